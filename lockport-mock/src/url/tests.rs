//! What an address means, word for word.

use super::*;

fn read(text: &str) -> Result<MockUrl, MockUrlError> {
    text.parse()
}

fn value(key: &str, value: &str) -> Result<MockUrl, MockUrlError> {
    Err(MockUrlError::Value { key: key.to_owned(), value: value.to_owned() })
}

#[test]
fn an_address_without_settings_is_an_honest_vendor() {
    assert_eq!(read("mock://"), Ok(MockUrl::default()));
    assert_eq!(read("mock://?"), Ok(MockUrl::default()));
    let MockUrl { personality, fail, latency, without, .. } = MockUrl::default();
    assert_eq!((personality, fail, latency), (Personality::PerDoor, None, Latency::Fast));
    assert!(without.is_empty());
}

#[test]
fn the_platforms_own_example_is_read() {
    let rule = read("mock://?fail=issue&pct=20&error=VENDOR_UNREACHABLE").unwrap().fail.unwrap();
    assert_eq!(rule.operations, [Operation::IssueCredential]);
    let is = (rule.often, rule.error, rule.reason, rule.when);
    let (code, reason) = (ErrorCode::VendorUnreachable, FailureReason::Network);
    assert_eq!(is, (Often::Percent(20), code, reason, When::Before));
    assert_eq!(rule.error().advice(), RetryAdvice::NotApplied);
}

#[test]
fn every_setting_has_its_place() {
    for personality in Personality::ALL {
        let url = read(&format!("mock://?personality={personality}&seed=7")).unwrap();
        assert_eq!((url.personality, url.seed), (personality, 7));
    }
    let text = "mock://?when=late:29&reason=throttled&error=MELMASTOON.LOCK.KEY_REVOKE_FAILED&nth=3\
                    &fail=revoke,suspend&capability=-suspend,-pin&latency=gateway&doors=9";
    let url = read(text).unwrap();
    assert_eq!((url.latency, url.without), (Latency::Gateway, vec![Ability::Suspend, Ability::Pin]));
    assert_eq!(url.max_doors, Some(9));
    let rule = url.fail.unwrap();
    assert!(rule.fails(Operation::SuspendCredential) && !rule.fails(Operation::IssueCredential));
    assert_eq!((rule.often, rule.when), (Often::Nth(3), When::Late(Duration::from_secs(29))));
    assert_eq!((rule.error, rule.reason), (ErrorCode::KeyRevokeFailed, FailureReason::Throttled));
    assert_eq!(rule.error().advice(), RetryAdvice::OutcomeUnknown);
    for (word, _) in OPERATIONS {
        assert!(read(&format!("mock://?fail={word}")).unwrap().fail.is_some());
    }
    for (code, reason) in ANSWERS {
        let rule = read(&format!("mock://?fail=issue&error={}", code.name())).unwrap().fail.unwrap();
        assert_eq!((rule.error, rule.reason, rule.often), (code, reason, Often::Percent(100)));
    }
    for (word, ability) in Ability::TABLE {
        assert_eq!(read(&format!("mock://?capability=-{word}")).unwrap().without, [*ability]);
    }
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    for text in ["", "http://?seed=1", "mock:", "mock://host?seed=1", "mock:///"] {
        assert_eq!(read(text), Err(MockUrlError::NotMock), "{text}");
    }
    let unknown = |key: &str| Err(MockUrlError::UnknownKey(key.to_owned()));
    assert_eq!(read("mock://?colour=red"), unknown("colour"));
    assert_eq!(read("mock://?seed"), unknown("seed"));
    let wrong = [
        ("personality", "per_floor"),
        ("seed", "-1"),
        ("latency", "cloudy"),
        ("capability", "suspend"),
        ("capability", "-flight"),
        ("capability", ""),
        ("doors", "0"),
        ("doors", "all"),
        ("fail", "everything"),
        ("fail", "issue,"),
    ];
    for (key, text) in wrong {
        assert_eq!(read(&format!("mock://?{key}={text}")), value(key, text));
    }
    let wrong = [
        ("pct", "101"),
        ("pct", "-1"),
        ("pct", "a few"),
        ("nth", "0"),
        ("error", "UNSUPPORTED"),
        ("error", "vendor_unreachable"),
        ("reason", "bad_mood"),
        ("when", "later"),
        ("when", "late:soon"),
        ("when", "after:2"),
    ];
    for (key, text) in wrong {
        assert_eq!(read(&format!("mock://?fail=issue&{key}={text}")), value(key, text));
    }
}

#[test]
fn settings_that_mean_nothing_together_are_refused() {
    let twice = |key: &str| Err(MockUrlError::Twice(key.to_owned()));
    assert_eq!(read("mock://?seed=1&seed=1"), twice("seed"));
    assert_eq!(read("mock://?fail=issue&pct=1&nth=1"), twice("nth"));
    for how in ["pct=1", "nth=1", "error=VENDOR_UNREACHABLE", "reason=network", "when=after"] {
        let key = how.split_once('=').unwrap().0.to_owned();
        assert_eq!(read(&format!("mock://?{how}")), Err(MockUrlError::Alone(key)));
    }
}

#[test]
fn a_refusal_for_good_is_told_as_one() {
    let advice = |text: &str| read(text).unwrap().fail.unwrap().error().advice();
    assert_eq!(advice("mock://?fail=issue&error=KEY_ISSUE_FAILED"), RetryAdvice::Never);
    assert_eq!(advice("mock://?fail=issue&error=CARD_ENCODER_OFFLINE"), RetryAdvice::NotApplied);
    assert_eq!(advice("mock://?fail=issue&when=after"), RetryAdvice::OutcomeUnknown);
}
