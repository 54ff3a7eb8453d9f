//! Who is refused a key: it is told why, he is not forgotten, and he is not let in when he is not to be.

use chrono::TimeDelta;
use lockport::credential::RevokeReason;
use lockport::id::DecisionId;
use lockport::keys::{
    BulkRevoke, BulkTarget, DeskTaskKind, KeyState, WebhookCall, WebhookNews, WebhookOutcome,
};
use lockport::telemetry::WebhookKind;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Validity};
use lockport_mock::Fault;

use crate::rig::{Hotel, Told, booking, confirmed, name, opening, stay, tasks, user};
use crate::yielding::run;

const A_MINUTE: TimeDelta = TimeDelta::minutes(1);

fn refusal(code: ErrorCode, reason: FailureReason, advice: RetryAdvice) -> Fault {
    Fault::Refuse(LockError::new(code, reason, advice, "no"))
}

/// The next so many writes are refused.
fn refuse(hotel: &Hotel, times: usize, fault: &Fault) {
    (0..times).for_each(|_| hotel.vendor().push_fault(fault.clone()));
}

/// Section 11 of an encoder's page: whoever lays one wrong card after another on it is told each time what is wrong, and the right one
/// is written then.
#[test]
fn a_wrong_card_is_told_as_often_as_it_takes() {
    let hotel = Hotel::of(&[("main", "mock://?personality=card", &["101", "102"])]);
    let service = hotel.service("a");
    let at = Hotel::encoder("main");
    run(service.deliver(&confirmed("one", 1, &["101"], 48))).unwrap();
    hotel.live(&service, A_MINUTE);
    hotel.vendor().encoder(at).place_card("c1");
    let later = RetryAdvice::NotApplied;
    for reason in [FailureReason::MultipleCards, FailureReason::SectorConfig].repeat(5) {
        refuse(&hotel, 1, &refusal(ErrorCode::KeyIssueFailed, reason, later));
        let visit = run(service.encode_now(stay("one").into(), at)).unwrap();
        let failed: Vec<_> = visit.failed.iter().map(|(_, error)| error.reason()).collect();
        assert_eq!((visit.done.len(), visit.waiting.len(), failed), (0, 0, vec![reason]));
        hotel.live(&service, A_MINUTE);
        assert_eq!(tasks(&service), [DeskTaskKind::PresentCard], "somebody is asked for a card still");
    }
    let visit = run(service.encode_now(stay("one").into(), at)).unwrap();
    assert_eq!((visit.done.len(), visit.failed.len()), (1, 0));
    assert!(hotel.opens(&["c1".to_owned()], "101") && tasks(&service).is_empty());
    assert_eq!(run(service.keys(stay("one").into())).unwrap().len(), 1, "it is the same key all along");
}

/// R66, R73: whatever it was that a vendor would not do for a while, its guest gets in when it will; and what was wrong with the account
/// was nothing about him.
#[test]
fn who_ran_out_of_tries_gets_another_key_whatever_the_reason() {
    let busy = refusal(ErrorCode::KeyIssueFailed, FailureReason::Busy, RetryAdvice::NotApplied);
    let account = refusal(ErrorCode::VendorUnreachable, FailureReason::AuthRejected, RetryAdvice::Never);
    for (fault, times) in [(busy, 6), (account, 2)] {
        let hotel = Hotel::simple();
        let (service, mut told) = (hotel.service("a"), Told::default());
        refuse(&hotel, times, &fault);
        run(service.deliver(&confirmed("one", 1, &["101"], 48))).unwrap();
        hotel.live(&service, TimeDelta::minutes(20));
        assert_eq!(hotel.vendor().faults_waiting(), 0, "{fault:?}");
        told.drain(&service);
        assert!(
            told.count("credential.failed") > 0 && hotel.opens(told.hand(&stay("one")), "101"),
            "{fault:?}"
        );
        assert!(tasks(&service).is_empty() && hotel.held() == 1, "{fault:?}");
    }
}

/// Who is refused again and again is looked after ever more seldom; who waits beside him for a vendor that was away is not.
#[test]
fn who_is_refused_all_day_makes_nobody_else_wait() {
    let hotel = Hotel::simple();
    let (service, mut told) = (hotel.service("a"), Told::default());
    refuse(&hotel, 100, &refusal(ErrorCode::KeyIssueFailed, FailureReason::Busy, RetryAdvice::NotApplied));
    run(service.deliver(&confirmed("one", 1, &["101"], 480))).unwrap();
    hotel.live(&service, TimeDelta::hours(12));
    hotel.vendor().forget_faults();
    let away = refusal(ErrorCode::VendorUnreachable, FailureReason::Network, RetryAdvice::NotApplied);
    refuse(&hotel, 6, &away);
    run(service.deliver(&confirmed("two", 2, &["102"], 480))).unwrap();
    while hotel.vendor().faults_waiting() > 0 {
        hotel.live(&service, TimeDelta::seconds(5));
    }
    hotel.live(&service, TimeDelta::minutes(10));
    told.drain(&service);
    assert!(hotel.opens(told.hand(&stay("two")), "102"));
}

/// A key that opens is not taken away because the vendor's account is wrong while it is to be changed.
#[test]
fn a_wrong_account_takes_nobody_his_key() {
    let account = refusal(ErrorCode::VendorUnreachable, FailureReason::AuthRejected, RetryAdvice::Never);
    let hotel = Hotel::simple();
    let (service, mut told) = (hotel.service("a"), Told::default());
    run(service.deliver(&confirmed("one", 1, &["101"], 48))).unwrap();
    hotel.live(&service, A_MINUTE);
    told.drain(&service);
    let key = told.hand(&stay("one")).to_vec();
    refuse(&hotel, 3, &account);
    run(service.deliver(&confirmed("one", 2, &["101"], 72))).unwrap();
    for _ in 0..30 {
        hotel.live(&service, A_MINUTE);
        assert!(hotel.opens(&key, "101"));
    }
    assert_eq!((hotel.vendor().faults_waiting(), hotel.held()), (0, 1));
    let until = run(service.keys(stay("one").into())).unwrap()[0].window.until();
    assert_eq!(until, opening() + TimeDelta::hours(72));
}

/// R183: whoever is shut out while his vendor is away is not let in when it is back; and he stands among those who arrive before.
#[test]
fn who_has_no_key_yet_is_shut_out_too() {
    let away = refusal(ErrorCode::VendorUnreachable, FailureReason::Network, RetryAdvice::NotApplied);
    for by_property in [true, false] {
        let hotel = Hotel::simple();
        let service = hotel.service("a");
        refuse(&hotel, 6, &away);
        run(service.deliver(&confirmed("one", 1, &["101"], 48))).unwrap();
        while hotel.vendor().faults_waiting() > 0 {
            hotel.live(&service, TimeDelta::seconds(5));
        }
        let key = || run(service.keys(stay("one").into())).unwrap().pop().unwrap();
        assert_eq!(key().state, KeyState::Failed);
        let today = Validity::new(opening() - A_MINUTE, opening() + TimeDelta::hours(9)).unwrap();
        let ready: Vec<_> = run(service.readiness(today)).unwrap().iter().map(|own| own.is_ready()).collect();
        assert_eq!(ready, [false], "he arrives, and somebody has to open");
        let target = if by_property { BulkTarget::Property } else { BulkTarget::Owner(stay("one").into()) };
        let order = BulkRevoke::new(target, RevokeReason::Security, user("boss"), name("out"))
            .with_decision(DecisionId::derived("t", &[b"d"]))
            .with_approvals(vec![user("boss"), user("owner")]);
        run(service.revoke_all(order)).unwrap();
        hotel.live(&service, TimeDelta::hours(8));
        assert_eq!((hotel.held(), key().state), (0, KeyState::Failed));
    }
}

/// X17: what is to be gone is handed to nobody, also where its vendor has yet to be told; what is suspended is its holder's still.
#[test]
fn what_is_to_be_gone_is_not_handed_out() {
    let hotel = Hotel::simple();
    let service = hotel.service("a");
    run(service.deliver(&confirmed("one", 1, &["101"], 48))).unwrap();
    hotel.live(&service, A_MINUTE);
    let id = run(service.keys(stay("one").into())).unwrap()[0].id;
    let ask = || run(service.new_reference(id, user("desk"), "handed to the guest"));
    run(service.deliver(&booking("fraud_flagged", "one", 3))).unwrap();
    ask().unwrap();
    hotel.live(&service, A_MINUTE);
    let before = ask().unwrap();
    run(service.deliver(&booking("cancelled", "one", 4))).unwrap();
    let refused = run(service.reveal(before, user("desk"), "handed to the guest")).unwrap_err();
    assert_eq!((refused.code(), refused.reason()), (ErrorCode::StateConflict, FailureReason::WrongState));
    assert_eq!(ask().unwrap_err().code(), ErrorCode::StateConflict);
    hotel.live(&service, A_MINUTE);
    assert_eq!(ask().unwrap_err().code(), ErrorCode::StateConflict);
}

/// A gateway that goes twice in a week is told of in the same words; the same words at once are the same call.
#[test]
fn the_same_words_on_another_day_are_another_call() {
    let hotel = Hotel::simple();
    let service = hotel.service("a");
    // Something has to have happened, for there to be a key under which a body is known.
    run(service.deliver(&confirmed("one", 1, &["101"], 480))).unwrap();
    hotel.live(&service, A_MINUTE);
    let call = || {
        let body = WebhookCall::WithBody(b"the gateway is gone");
        run(service.webhook("main", body, WebhookKind::Job, async || Ok(WebhookNews::Something))).unwrap()
    };
    for _ in 0..2 {
        assert_eq!(call(), WebhookOutcome::Applied);
        for _ in 0..3 {
            hotel.live(&service, A_MINUTE);
            assert_eq!(call(), WebhookOutcome::Duplicate);
        }
        hotel.live(&service, TimeDelta::minutes(8));
    }
}
