use chrono::TimeDelta;

use crate::rig::{Hotel, ROOMS, Told, confirmed, stay};
use crate::yielding::{run, run_in_turn};

/// R77: a thousand duplicates, delivered by three instances in turn over one store, make one key.
#[test]
fn a_thousand_duplicates_make_one_key() {
    let hotel = Hotel::simple();
    let instances = ["a", "b", "c"].map(|name| hotel.service(name));
    let event = confirmed("one", 1, &["101"], 24);
    for round in 0..334 {
        let delivered = run_in_turn(instances.iter().map(|service| service.deliver(&event)));
        assert!(delivered.iter().all(Result::is_ok));
        if round % 50 == 0 {
            let ticked = run_in_turn(instances.iter().map(|service| service.tick()));
            assert!(ticked.iter().all(Result::is_ok));
        }
    }
    hotel.live(&instances[0], TimeDelta::minutes(10));
    let mut told = Told::default();
    told.drain(&instances[1]);
    assert_eq!((told.count("credential.requested"), told.count("credential.issued")), (1, 1));
    assert_eq!(hotel.vendor().effects_made(), 1);
}

/// Three pumps in turn over forty bookings ask the vendor for each key once, and as often in all as one pump alone.
#[test]
fn two_pumps_never_do_a_thing_twice() {
    let calls = |pumps: usize| {
        let hotel = Hotel::simple();
        let names = ["a", "b", "c"];
        let services: Vec<_> = names.iter().take(pumps).map(|name| hotel.service(name)).collect();
        for nth in 0..40_usize {
            let event = confirmed(&format!("stay {nth}"), 1, &[ROOMS[nth % 4]], 24);
            run(services[nth % pumps].deliver(&event)).unwrap();
        }
        for _ in 0..3 {
            let ticked = run_in_turn(services.iter().map(lockport::keys::KeyService::tick));
            assert!(ticked.iter().all(Result::is_ok));
            hotel.pass(TimeDelta::minutes(3));
        }
        let mut told = Told::default();
        told.drain(&services[0]);
        assert_eq!(told.count("credential.issued"), 40);
        assert_eq!(hotel.vendor().effects_made(), 40);
        assert!((0..40).all(|nth| hotel.opens(told.hand(&stay(&format!("stay {nth}"))), ROOMS[nth % 4])));
        hotel.vendor().calls()
    };
    let alone = calls(1);
    assert_eq!(alone, 40);
    assert_eq!(calls(3), alone);
}
