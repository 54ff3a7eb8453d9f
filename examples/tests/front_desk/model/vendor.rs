//! When a change reaches the doors of a vendor: at the earliest and at the latest.

/// A point in the order of a day: the second, and the line within it. What the clock brings by itself comes before any line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) at: i64,
    pub(crate) line: usize,
}

impl Moment {
    pub(crate) const fn by_the_clock(at: i64) -> Self {
        Self { at, line: 0 }
    }
}

pub(crate) const NEVER: i64 = i64::MAX;

/// "A change counts within 5 s of its delivery where the vendor and the lock are online".
pub(crate) const SETTLING: i64 = 5;

/// "after an outage within 3 h".
pub(crate) const AFTER_OUTAGE: i64 = 3 * 3600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Does what it is told, and it can be known what it did.
    Online,
    /// "Where a vendor can neither honour a key nor be read back (`silent_ack`), a call lost in an outage or a crash ends in a task
    /// instead."
    Silent,
    /// "for a card that carries its own rights when the card is next at the desk or at the end of the window written on it".
    Card,
}

#[derive(Debug)]
pub(crate) struct Vendor {
    pub(crate) kind: Kind,
    /// How much later a change counts where a call to a vendor with a queue may have been lost in a crash: its list shows only what is
    /// done, so it is looked at again after its queue. One that calls back has one, and gateways that carry passcodes are one: two
    /// minutes. Any other vendor's list shows at once what became of the call.
    pub(crate) recovers_in: i64,
    /// How long a call to a vendor that calls back may be on its way. A suspension that may have been lost in a crash is sent again at
    /// once, and is not lifted before the first of the two can no longer come.
    pub(crate) lands_in: i64,
    /// Whether its address orders calls to fail. Then it is not online in the sense of the page, now and then, and nothing is said
    /// about when that ends.
    pub(crate) fails: bool,
    outages: Vec<(Moment, i64)>,
    /// Since when a death over a vendor call has been ordered, and until which line one may still come.
    deaths: Vec<(Moment, i64)>,
}

/// Where guests with a key stood at the desk.
pub(crate) type Desk = [Moment];

impl Vendor {
    pub(crate) const fn new(kind: Kind, fails: bool) -> Self {
        Self { kind, recovers_in: 0, lands_in: 0, fails, outages: Vec::new(), deaths: Vec::new() }
    }

    pub(crate) fn outage(&mut self, from: Moment, until: i64) {
        if until > from.at {
            self.outages.push((from, until));
        }
    }

    /// The process is to die over some call from here on.
    pub(crate) fn death_is_ordered(&mut self, from: Moment) {
        self.no_death_any_more(from);
        self.deaths.push((from, NEVER));
    }

    /// "restart" again: of two orders the later stands.
    pub(crate) fn no_death_any_more(&mut self, at: Moment) {
        if let Some((_, until)) = self.deaths.last_mut() {
            *until = (*until).min(at.at);
        }
    }

    /// The end of the outage that stands at this moment; several that overlap are one.
    pub(crate) fn out(&self, moment: Moment) -> Option<i64> {
        let begun = self.outages.iter().filter(|(from, until)| *from < moment && moment.at < *until);
        begun.map(|(_, until)| *until).max().map(|end| self.joined(end))
    }

    fn joined(&self, mut end: i64) -> i64 {
        while let Some((_, later)) = self.outages.iter().find(|(from, until)| from.at <= end && *until > end)
        {
            end = *later;
        }
        end
    }

    /// The end of an outage that stands at some time in these seconds.
    fn out_within(&self, from: Moment, until: i64) -> Option<i64> {
        let touching = self.outages.iter().filter(|(begin, end)| begin.at < until && *end > from.at);
        touching.map(|(_, end)| *end).max().map(|end| self.joined(end))
    }

    /// From when on a change of this moment may have reached the doors.
    pub(crate) fn earliest(&self, change: Moment, is_loss: bool, desk: &Desk) -> i64 {
        let handed = match self.kind {
            Kind::Online | Kind::Silent => Some(change),
            // "he is given a new one": who reports a loss stands at the desk, so a card may be written then.
            Kind::Card if is_loss => Some(change),
            // Before that nobody has the card in his hands who could write it.
            Kind::Card => desk.iter().copied().find(|at_desk| *at_desk >= change),
        };
        // "that vendor answers nothing until then; its doors go on working from what they know": they do not know this.
        handed.map_or(NEVER, |handed| self.out(handed).unwrap_or(handed.at))
    }

    /// From when on a change of this moment counts.
    pub(crate) fn latest(&self, change: Moment, desk: &Desk) -> i64 {
        if self.fails {
            return NEVER;
        }
        let settled = |moment: Moment| {
            let until = moment.at + SETTLING;
            (until, self.out_within(moment, until))
        };
        match self.kind {
            Kind::Card => {
                let mut at_desk = desk.iter().copied().filter(|at_desk| *at_desk >= change);
                let online = at_desk.find(|at_desk| settled(*at_desk).1.is_none());
                online.map_or(NEVER, |at_desk| settled(at_desk).0)
            }
            Kind::Silent if self.may_be_lost(change) => NEVER,
            Kind::Online | Kind::Silent => match settled(change) {
                (_, None) => {
                    let recovers_in = if self.may_be_lost(change) { self.recovers_in } else { 0 };
                    change.at + SETTLING + recovers_in
                }
                (_, Some(end)) => self.after(end),
            },
        }
    }

    /// Until when a suspension of this moment is not lifted.
    pub(crate) fn may_be_lifted(&self, suspended: Moment) -> i64 {
        let is_sent_twice = self.lands_in > 0 && self.may_be_lost(suspended);
        if is_sent_twice { suspended.at + self.lands_in } else { suspended.at }
    }

    /// "a change not made before the next outage: within 3 h of that one's end".
    fn after(&self, mut end: i64) -> i64 {
        loop {
            let deadline = end + AFTER_OUTAGE;
            let mut next = self.outages.iter().filter(|(from, until)| from.at < deadline && *until > end);
            match next.next() {
                Some((_, until)) => end = self.joined(*until),
                None => return deadline,
            }
        }
    }

    fn may_be_lost(&self, change: Moment) -> bool {
        let until = change.at + SETTLING;
        let dies = self
            .deaths
            .iter()
            .any(|(from, end)| from.at < until && end.saturating_add(self.recovers_in) >= change.at);
        dies || self.out_within(change, until).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;

    fn at(at: i64) -> Moment {
        Moment { at, line: 7 }
    }

    #[test]
    fn an_outage_holds_up_what_came_in_it() {
        let mut vendor = Vendor::new(Kind::Online, false);
        vendor.outage(Moment { at: 100, line: 5 }, 200);
        let both =
            |vendor: &Vendor, moment| (vendor.earliest(moment, false, &[]), vendor.latest(moment, &[]));
        assert_eq!(both(&vendor, at(95)), (95, 100));
        assert_eq!(both(&vendor, at(96)), (96, 200 + 3 * HOUR), "it may be half done");
        assert_eq!(both(&vendor, Moment { at: 100, line: 4 }), (100, 200 + 3 * HOUR));
        assert_eq!(both(&vendor, at(100)), (200, 200 + 3 * HOUR));
        assert_eq!(both(&vendor, at(200)), (200, 205), "it is online again");
        vendor.outage(at(150), 300);
        assert_eq!(both(&vendor, at(100)), (300, 300 + 3 * HOUR), "two that overlap are one");
        vendor.outage(at(2 * HOUR), 20 * HOUR);
        assert_eq!(both(&vendor, at(100)), (300, 23 * HOUR), "within 3 h of the next one's end");
    }

    #[test]
    fn a_silent_vendor_loses_what_comes_in_trouble() {
        let mut vendor = Vendor::new(Kind::Silent, false);
        vendor.outage(at(100), 200);
        assert_eq!((vendor.latest(at(94), &[]), vendor.latest(at(150), &[])), (99, NEVER));
        vendor.death_is_ordered(at(1_000));
        assert_eq!(vendor.latest(at(5_000), &[]), NEVER);
        vendor.no_death_any_more(at(6_000));
        assert_eq!((vendor.latest(at(5_000), &[]), vendor.latest(at(6_001), &[])), (NEVER, 6_006));
    }

    #[test]
    fn a_card_learns_at_the_desk() {
        let mut vendor = Vendor::new(Kind::Card, false);
        let desk = [at(50), at(150), at(300)];
        assert_eq!((vendor.earliest(at(60), false, &desk), vendor.latest(at(60), &desk)), (150, 155));
        assert_eq!(vendor.earliest(at(60), true, &desk), 60, "who lost a card may be given one");
        assert_eq!((vendor.earliest(at(301), false, &desk), vendor.latest(at(301), &desk)), (NEVER, NEVER));
        vendor.outage(at(100), 200);
        assert_eq!((vendor.earliest(at(60), false, &desk), vendor.latest(at(60), &desk)), (200, 305));
    }
}
