//! A shift: "A staff member opens the doors of his scope within his shift until it ended or he was deactivated."

use std::collections::BTreeSet;

use super::timeline::{Key, Step};
use super::vendor::Moment;

#[derive(Debug, Default)]
pub(crate) struct Shift {
    pub(crate) user: String,
    doors: BTreeSet<String>,
    from: i64,
    until: i64,
    started: Option<Moment>,
    ended: Option<Moment>,
}

impl Shift {
    pub(crate) fn start(
        &mut self,
        moment: Moment,
        user: String,
        doors: BTreeSet<String>,
        from: i64,
        until: i64,
    ) {
        if self.started.is_none() {
            *self = Self { user, doors, from, until, started: Some(moment), ended: self.ended };
        }
    }

    pub(crate) fn end(&mut self, moment: Moment) {
        self.ended.get_or_insert(moment);
    }

    pub(crate) fn timeline(&self, deactivated: Option<Moment>, closed: Option<Moment>) -> Vec<Step> {
        let Some(started) = self.started else { return Vec::new() };
        let over = [self.ended, deactivated, closed].into_iter().flatten().min();
        let key = Key {
            doors: self.doors.clone(),
            from: self.from,
            until: self.until,
            is_suspended: false,
            generation: 0,
        };
        match over {
            // "A shift's end delivered before its start wins; later shifts of a deactivated user open nothing."
            Some(over) if over < started => Vec::new(),
            Some(over) => vec![
                Step { moment: started, key: Some(key), losses: 0 },
                Step { moment: over, key: None, losses: 0 },
            ],
            None => vec![Step { moment: started, key: Some(key), losses: 0 }],
        }
    }
}
