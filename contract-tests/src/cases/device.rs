//! What an adapter tells of the locks themselves.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use lockport::ErrorCode;
use lockport::credential::WarningCode;
use lockport::device::{Battery, DeviceHealth, LockDevice};
use lockport::id::{LockDeviceId, PropertyId, RoomId};

use crate::case::{Case, CaseResult, Need, Stop, check};
use crate::trial::{Keyring, Trial};

/// Longer than any vendor believes a lock to be there that it no longer hears.
pub(super) const SILENCE: TimeDelta = TimeDelta::minutes(20);

pub(super) const CASES: &[Case] = &[
    Case {
        id: "DEVICE-001",
        requirement: "The list names every door of the property once, with its own rooms, and no other; another property's list is refused without a call.",
        spec: "R34, R38, R227",
        needs: &[],
        judge: |trial| Box::pin(listed(trial)),
    },
    Case {
        id: "DEVICE-002",
        requirement: "The health of a door is about that door and agrees with the list; a door that the property does not have is DEVICE_NOT_PAIRED without a call.",
        spec: "R36, R37, R119",
        needs: &[],
        judge: |trial| Box::pin(checked(trial)),
    },
    Case {
        id: "DEVICE-003",
        requirement: "Battery and reach are told as they are, with a warning when a person should know; a door that is out of reach stays paired, and its key goes on opening.",
        spec: "R34, R36, R119, X6",
        needs: &[Need::Locks],
        judge: |trial| Box::pin(as_it_is(trial)),
    },
];

async fn of_door(trial: &Trial, door: LockDeviceId) -> CaseResult<(LockDevice, DeviceHealth)> {
    let list = trial.port().list_devices(trial.site().property).await?;
    let own = list.into_iter().find(|device| device.device_id == door);
    let own = own.ok_or_else(|| Stop::Failed(format!("the list does not name {door}")))?;
    Ok((own, trial.port().health_check(door).await?))
}

async fn listed(trial: &Trial) -> CaseResult {
    let list = trial.port().list_devices(trial.site().property).await?;
    let named: BTreeSet<LockDeviceId> = list.iter().map(|device| device.device_id).collect();
    check!(named.len() == list.len(), "the list names a door twice");
    let doors = trial.site().doors();
    check!(named == doors, "the list names the doors {named:?}, not {doors:?}");
    let (map, vendor) = (trial.site().door_map(), trial.port().describe_adapter().vendor);
    for LockDevice { device_id, property_id, vendor: whose, rooms, .. } in list {
        let right: BTreeSet<RoomId> = map.rooms_behind(device_id).into_iter().collect();
        let is: BTreeSet<RoomId> = rooms.into_iter().collect();
        check!(is == right, "{device_id} has the rooms {is:?} behind it, {right:?} is right");
        check!(property_id == trial.site().property, "{device_id} is said to be in {property_id}");
        check!(whose == vendor, "{device_id} is said to be {whose}'s");
    }
    let calls = trial.calls().await?;
    let foreign = PropertyId::derived("lockport-contract/foreign", &[]);
    let Err(error) = trial.port().list_devices(foreign).await else {
        return Err(Stop::Failed("another property's doors were listed".into()));
    };
    check!(error.code() == ErrorCode::TenantMismatch, "TENANT_MISMATCH is right: {error:?}");
    check!(trial.calls().await? == calls, "the vendor saw a call for another property");
    Ok(())
}

async fn checked(trial: &Trial) -> CaseResult {
    for door in trial.site().doors() {
        let (listed, health) = of_door(trial, door).await?;
        check!(health.device_id == door, "the health of {door} is told of {}", health.device_id);
        check!(
            (listed.online, listed.battery) == (health.online, health.battery),
            "the list and the health of {door} differ: {listed:?}, {health:?}"
        );
        check!(health.battery.is_none_or(|battery| battery.percent <= 100), "{door}: {:?}", health.battery);
    }
    let calls = trial.calls().await?;
    let nowhere = LockDeviceId::derived("lockport-contract/foreign", &[]);
    let Err(error) = trial.port().health_check(nowhere).await else {
        return Err(Stop::Failed("a door that nobody has is said to be well".into()));
    };
    check!(error.code() == ErrorCode::DeviceNotPaired, "DEVICE_NOT_PAIRED is right: {error:?}");
    check!(error.device() == Some(nowhere), "the error is about {:?}", error.device());
    check!(trial.calls().await? == calls, "the vendor saw a call for a door that nobody has");
    Ok(())
}

fn warns(health: &DeviceHealth, of: WarningCode) -> bool {
    health.warnings.iter().any(|warning| warning.code == of)
}

async fn as_it_is(trial: &Trial) -> CaseResult {
    let [one, two] = trial.rooms()?;
    let window = trial.hours(0, 30)?;
    let issued = trial.port().issue_credential(trial.issue("guest", &[one], window)?).await?.credential;
    let locks = trial.locks()?;
    let first = |room| trial.doors_of(&[room]).into_iter().next();
    let (Some(door), Some(other)) = (first(one), first(two)) else {
        return Err(Stop::NotRun("a room has no door".into()));
    };
    for percent in [100, 41, 16, 15, 3] {
        locks.set_battery(other, 100)?;
        locks.set_battery(door, percent)?;
        for (door, percent) in [(door, percent), (other, 100)] {
            let (listed, health) = of_door(trial, door).await?;
            for battery in [listed.battery, health.battery] {
                let is = battery.map(|battery| battery.percent);
                check!(
                    is == Some(percent),
                    "the battery of {door} is at {percent} %, and told as {battery:?}"
                );
            }
            let is_low = |battery: Battery| battery.percent <= battery.low_threshold_percent;
            let should = health.battery.is_some_and(is_low);
            let does = warns(&health, WarningCode::BatteryLow);
            check!(does == should, "at {percent} % a warning is {should}, and it is {does}");
        }
    }
    let (_, before) = of_door(trial, door).await?;
    check!(before.online, "{door} is in reach, and told to be out of it");
    locks.set_online(door, false)?;
    trial.pass(SILENCE);
    let (listed, health) = of_door(trial, door).await?;
    check!(!health.online && !listed.online, "{door} is out of reach, and told to be in it");
    check!(warns(&health, WarningCode::DeviceOffline), "nobody is warned of {door}, which is out of reach");
    trial.judge("the guest at a door out of reach", &Keyring::of(&issued), &[(&[one], window)]).await?;
    locks.set_online(door, true)?;
    trial.pass(TimeDelta::minutes(1));
    let (listed, health) = of_door(trial, door).await?;
    check!(health.online && listed.online, "{door} is in reach again, and told to be out of it");
    check!(!warns(&health, WarningCode::DeviceOffline), "{door} is in reach again, and somebody is warned");
    Ok(())
}
