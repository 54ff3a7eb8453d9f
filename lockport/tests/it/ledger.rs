//! The ledger's rules: who may work on an operation, and what stands in the way of one.

use std::sync::Arc;

use chrono::TimeDelta;
use lockport::store::ledger::{Begun, Claim, LEASE_SECONDS, Ledger};
use lockport::store::{MemoryStore, Store, StoreError, Transaction};

use crate::rig::{Between, env, now, partition, run};

struct Rig {
    env: lockport::env::Env,
    clock: Arc<lockport::env::ManualClock>,
    store: Arc<dyn Store>,
}

impl Rig {
    fn new() -> Self {
        let (env, clock) = env();
        Self { env, clock, store: Arc::new(MemoryStore::new()) }
    }

    fn ledger(&self, adapter: &str, owner: &str) -> Ledger {
        Ledger::new(
            self.store.clone(),
            partition("a"),
            adapter.to_owned(),
            self.env.clone(),
            owner.to_owned(),
        )
    }
}

fn claim(key: &str, fingerprint: &str, locks: &[&str]) -> Claim<String> {
    Claim {
        key: key.parse().unwrap(),
        fingerprint: fingerprint.to_owned(),
        locks: locks.iter().map(ToString::to_string).collect(),
        tools: Vec::new(),
        through_quiet: false,
        body: key.to_owned(),
    }
}

#[test]
fn the_same_key_is_the_same_operation_and_other_input_is_refused() {
    let rig = Rig::new();
    let ledger = rig.ledger("main", "one");
    assert!(matches!(run(ledger.begin(&claim("k", "f", &["l"]))).unwrap(), Begun::Yours(_)));
    assert!(matches!(run(ledger.begin(&claim("k", "f", &["l"]))).unwrap(), Begun::Yours(_)));
    assert!(matches!(run(ledger.begin(&claim("k", "g", &["l"]))).unwrap(), Begun::OtherInput));
    let open = run(ledger.open::<String>()).unwrap();
    assert_eq!(open.iter().map(|operation| operation.key.as_str()).collect::<Vec<_>>(), ["k"]);
}

/// Whom another was quicker than hears who has it, and not that something went wrong; what cannot be read is not tried again.
#[test]
fn who_is_not_the_first_hears_who_was() {
    let rig = Rig::new();
    let slow = |store: Between| {
        let name = "slow".to_owned();
        Ledger::new(Arc::new(store), partition("a"), "main".to_owned(), rig.env.clone(), name)
    };
    let broken = slow(Between::new(rig.store.clone()).before(1, || Err(StoreError::Corrupt)));
    assert!(run(broken.begin(&claim("k", "f", &["l"]))).is_err());

    let quick = rig.ledger("main", "quick");
    let contended = slow(Between::new(rig.store.clone()).before(1, move || {
        let begun = run(quick.begin(&claim("k", "f", &["l"])));
        assert!(matches!(begun, Ok(Begun::Yours(_))));
        Ok(())
    }));
    assert!(matches!(run(contended.begin(&claim("k", "f", &["l"]))), Ok(Begun::Leased { .. })));
}

#[test]
fn another_instance_waits_for_the_lease_and_then_takes_over() {
    let rig = Rig::new();
    assert!(matches!(
        run(rig.ledger("main", "one").begin(&claim("k", "f", &["l"]))).unwrap(),
        Begun::Yours(_)
    ));
    let other = rig.ledger("main", "two");
    let Begun::Leased { until } = run(other.begin(&claim("k", "f", &["l"]))).unwrap() else {
        panic!("not leased")
    };
    assert_eq!(until, now() + TimeDelta::seconds(LEASE_SECONDS));
    rig.clock.set(until);
    let Begun::Yours(mut taken) = run(other.begin(&claim("k", "f", &["l"]))).unwrap() else {
        panic!("not taken over")
    };
    // The one that was overtaken is told so at its next write.
    let Some(Begun::Leased { .. }) =
        run(rig.ledger("main", "one").resume::<String>(&"k".parse().unwrap())).unwrap()
    else {
        panic!("the first instance still thinks that it is its own");
    };
    let mut transaction = Transaction::new(&rig.env).unwrap();
    run(other.settle(&mut taken, until, &mut transaction)).unwrap();
    run(transaction.commit(&*rig.store, partition("a"))).unwrap();
    assert!(matches!(run(other.begin(&claim("k", "f", &["l"]))).unwrap(), Begun::Settled(_)));
}

#[test]
fn a_lock_blocks_until_its_operation_is_settled_and_its_lost_calls_have_landed() {
    let rig = Rig::new();
    let ledger = rig.ledger("main", "one");
    let Begun::Yours(mut first) = run(ledger.begin(&claim("k", "f", &["a", "b"]))).unwrap() else { panic!() };
    let Begun::Blocked { by } = run(ledger.begin(&claim("m", "f", &["b", "c"]))).unwrap() else {
        panic!("not blocked")
    };
    assert_eq!(by, first.value.key);
    // Blocked means that nothing was taken: c is free.
    assert!(matches!(run(ledger.begin(&claim("n", "f", &["c"]))).unwrap(), Begun::Yours(_)));

    let quiet = now() + TimeDelta::seconds(30);
    first.value.quiet_until = Some(quiet);
    let mut transaction = Transaction::new(&rig.env).unwrap();
    run(ledger.settle(&mut first, quiet, &mut transaction)).unwrap();
    run(transaction.commit(&*rig.store, partition("a"))).unwrap();
    let Begun::Quiet { until } = run(ledger.begin(&claim("m", "f", &["b"]))).unwrap() else {
        panic!("not quiet")
    };
    assert_eq!(until, quiet);
    let through = Claim { through_quiet: true, ..claim("r", "f", &["a"]) };
    let Begun::Yours(revoke) = run(ledger.begin(&through)).unwrap() else { panic!("a revoke waited") };
    assert_eq!(revoke.value.quiet_until, Some(quiet), "what it went through is forgotten");
    rig.clock.set(quiet);
    assert!(matches!(run(ledger.begin(&claim("m", "f", &["b"]))).unwrap(), Begun::Yours(_)));
}

#[test]
fn an_abandoned_claim_leaves_nothing() {
    let rig = Rig::new();
    let ledger = rig.ledger("main", "one");
    let Begun::Yours(claimed) = run(ledger.begin(&claim("k", "f", &["a"]))).unwrap() else { panic!() };
    run(ledger.abandon(claimed)).unwrap();
    assert!(matches!(run(ledger.begin(&claim("k", "g", &["a"]))).unwrap(), Begun::Yours(_)));
}

/// Two adapters of one property may be asked under one key, and name locks alike.
#[test]
fn two_adapters_never_meet() {
    let rig = Rig::new();
    assert!(matches!(
        run(rig.ledger("main", "one").begin(&claim("k", "f", &["a"]))).unwrap(),
        Begun::Yours(_)
    ));
    let annex = rig.ledger("annex", "one");
    assert!(run(annex.open::<String>()).unwrap().is_empty());
    assert!(matches!(run(annex.begin(&claim("k", "other", &["a"]))).unwrap(), Begun::Yours(_)));
}

/// A tool is in use while somebody works on its operation, and free when he lays it down.
#[test]
fn a_tool_is_in_use_only_while_somebody_works() {
    let rig = Rig::new();
    let ledger = rig.ledger("main", "one");
    let with_tool =
        |key: &str| Claim { tools: vec!["t".to_owned()], ..claim(key, "f", &[&format!("cred-{key}")]) };
    let Begun::Yours(first) = run(ledger.begin(&with_tool("k"))).unwrap() else { panic!() };
    let Begun::InUse { by } = run(ledger.begin(&with_tool("m"))).unwrap() else { panic!("not in use") };
    assert_eq!(by, first.value.key);
    // In use means that nothing was taken.
    assert!(matches!(run(ledger.begin(&claim("n", "f", &["cred-m"]))).unwrap(), Begun::Yours(_)));

    // Another instance cannot take it from one that lives, and can from one whose lease is over.
    let other = rig.ledger("main", "two");
    let lease_end = now() + TimeDelta::seconds(LEASE_SECONDS);
    assert_eq!(run(other.lay_down::<String>(&by)).unwrap(), Some(lease_end));
    assert!(matches!(run(other.begin(&with_tool("o"))).unwrap(), Begun::InUse { .. }));
    assert_eq!(run(ledger.lay_down::<String>(&by)).unwrap(), None);
    let Begun::Yours(second) = run(other.begin(&with_tool("o"))).unwrap() else { panic!("still in use") };
    // Laid down, it is anybody's to take up; and it needs its tool again.
    assert!(matches!(run(other.resume::<String>(&by)).unwrap(), Some(Begun::InUse { .. })));
    rig.clock.set(lease_end);
    assert_eq!(run(ledger.lay_down::<String>(&second.value.key)).unwrap(), None);
    assert!(matches!(run(ledger.resume::<String>(&by)).unwrap(), Some(Begun::Yours(_))));
}
