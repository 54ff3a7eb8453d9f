//! How what an adapter has to open for somebody is divided among his keys there: where a key has so many doors at most, a stay of
//! more has several.

use super::record::KeyRecord;
use crate::device::DoorMap;
use crate::id::{KeyCredentialId, RoomId};
use crate::property::{AdapterBinding, Share};
use crate::scope::{Area, GuestScope};

/// What one key has to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) share: Share,
    /// The key that is there already; without one, a new key has to open it.
    pub(super) key: Option<KeyCredentialId>,
}

/// How many keys somebody has at one adapter for what he is entitled to. With more cards than that nobody finds the right one: what is
/// beyond stays one key, which its adapter refuses, so that a person is asked.
const MOST_KEYS: usize = 6;

/// Divides a share. What one of these keys is to open already stays with it, and what is new comes whole to the first that has room
/// for it; only what none has room for is given to other keys. Where keys have limits, one that was given up gets nothing new: it would
/// be waited for in vain. A room with more doors than a key may have is a part all the same.
pub(super) fn divide(share: &Share, binding: &AdapterBinding, keys: &[&KeyRecord]) -> Vec<Part> {
    let most = binding.port.describe_adapter().capabilities.max_doors;
    let limit = Limit { doors: &binding.doors, most: most.map_or(usize::MAX, usize::from) };
    let empty = || Share { adapter: share.adapter.clone(), rooms: Vec::new(), scope: GuestScope::default() };
    let mut rest = places(share);
    let (mut parts, mut closed) = (Vec::new(), Vec::new());
    for key in keys {
        let mut of_key = empty();
        let is_its_own = |place: &Place| match place {
            Place::Room(room) => key.wanted.rooms.contains(room),
            Place::Area(area) => key.wanted.scope.areas.contains(area),
        };
        let (own, others) = rest.into_iter().partition::<Vec<_>, _>(is_its_own);
        rest = others;
        let is_closed = most.is_some() && key.given_up.is_some();
        if is_closed {
            put(&mut of_key, &own);
        } else if !limit.add(&mut of_key, &own) {
            rest.extend(own.into_iter().filter(|place| !limit.add(&mut of_key, std::slice::from_ref(place))));
        }
        let into = if is_closed { &mut closed } else { &mut parts };
        into.push(Part { share: of_key, key: Some(key.id) });
    }
    let has_room = rest.is_empty() || parts.iter_mut().any(|part| limit.add(&mut part.share, &rest));
    if !has_room {
        parts.sort_by_key(|part| is_empty(&part.share));
        let mut into = parts.iter().position(|part| is_empty(&part.share)).unwrap_or(parts.len());
        for (at, place) in rest.iter().enumerate() {
            let place = std::slice::from_ref(place);
            while parts.get_mut(into).is_some_and(|part| !limit.add(&mut part.share, place)) {
                into = into.saturating_add(1);
            }
            if into < parts.len() {
                continue;
            }
            let mut share = empty();
            let is_last = parts.len().saturating_add(1) >= MOST_KEYS;
            put(&mut share, if is_last { rest.get(at..).unwrap_or_default() } else { place });
            parts.push(Part { share, key: None });
            if is_last {
                break;
            }
        }
    }
    parts.append(&mut closed);
    parts.retain(|part| !is_empty(&part.share));
    parts
}

/// How many doors a key may have.
struct Limit<'a> {
    doors: &'a DoorMap,
    most: usize,
}

impl Limit<'_> {
    /// Adds all of it, or nothing; whether it did. What is empty takes any one place.
    fn add(&self, to: &mut Share, places: &[Place]) -> bool {
        let takes_any = is_empty(to) && places.len() <= 1;
        let mut with = to.clone();
        put(&mut with, places);
        let fits =
            || self.doors.resolve(&with.rooms, &with.scope).is_ok_and(|doors| doors.len() <= self.most);
        let is_added = takes_any || self.most == usize::MAX || fits();
        if is_added {
            *to = with;
        }
        is_added
    }
}

fn put(share: &mut Share, places: &[Place]) {
    for place in places {
        match place {
            Place::Room(room) => share.rooms.push(*room),
            Place::Area(area) => share.scope.areas.push(area.clone()),
        }
    }
    share.rooms.sort_unstable();
    share.scope.areas.sort_unstable();
}

/// What there is to be opened.
enum Place {
    Room(RoomId),
    Area(Area),
}

fn places(share: &Share) -> Vec<Place> {
    let rooms = share.rooms.iter().copied().map(Place::Room);
    rooms.chain(share.scope.areas.iter().cloned().map(Place::Area)).collect()
}

fn is_empty(share: &Share) -> bool {
    share.rooms.is_empty() && share.scope.is_empty()
}
