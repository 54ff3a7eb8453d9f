//! Plays the week, and tries every door for everybody after everything that happens.

use std::collections::BTreeSet;

use lockport::Timestamp;
use lockport::keys::DeskTask;
use lockport_examples::front_desk::day::{self, Who};
use lockport_examples::front_desk::hotel::Hotel;
use lockport_examples::front_desk::house::StoreAt;
use lockport_examples::front_desk::output::Json;
use lockport_examples::front_desk::player::Player;

use crate::days::{Item, Told};
use crate::model::{Model, Opens, Want};
use crate::script::{Deed, Week};

/// "A change counts within 5 s of its delivery".
const SETTLING: i64 = 5;

/// How many wrong doors are told in words.
const WORDS: usize = 20;

/// What came of a week.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// Every answer: what the program told, and for each look who got through which door.
    pub(crate) answers: Vec<u8>,
    pub(crate) wrong: Vec<String>,
    pub(crate) looks: usize,
    pub(crate) tries: usize,
    pub(crate) opened: usize,
    pub(crate) shut: usize,
    /// Where the page leaves the door free.
    pub(crate) free: usize,
    /// Who may open and cannot, and is looked after.
    pub(crate) tasks: usize,
}

pub(crate) fn play(week: &Week) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(through(week))
}

async fn through(week: &Week) -> Played {
    let hotel = Hotel::read(week.hotel.to_string().as_bytes()).unwrap();
    let mut told = Vec::new();
    let mut json = Json::new(&mut told);
    let opening = at(*week.deeds.keys().next().unwrap());
    let mut player = Player::open(&hotel, opening, 1, StoreAt::default(), &mut json).await.unwrap();
    let mut looking =
        Looking { week, model: Model::new(&week.hotel), dead: BTreeSet::new(), played: Played::default() };
    let mut now = i64::MIN;
    for (number, (second, deed)) in week.deeds.iter().enumerate() {
        let look_at = match deed {
            Deed::Line(item) => {
                let want = looking.model.line(item);
                assert_eq!(want, Want::Taken, "{item:?}");
                let line = day::read(&hotel, &item.line(want)).remove(0);
                player.line(&day::Line { number: number + 1, ..line }).await.unwrap();
                second + SETTLING
            }
            Deed::Battery { door, percent } => {
                player.wait(at(*second)).await.unwrap();
                player.set_battery(door, *percent);
                let is_dead = *percent == 0;
                if is_dead {
                    looking.dead.insert(door)
                } else {
                    looking.dead.remove(&**door)
                };
                *second
            }
            Deed::Nothing => *second,
        };
        // A look may come to lie within the seconds that an event takes.
        now = look_at.max(now);
        player.wait(at(now)).await.unwrap();
        looking.look(&mut player, now).await;
    }
    let summary = player.close().await.unwrap();
    let mut played = looking.played;
    played.answers.extend(format!("{summary:?}\n").into_bytes());
    played.answers.append(&mut told);
    played
}

struct Looking<'w> {
    week: &'w Week,
    model: Model,
    /// Doors without power.
    dead: BTreeSet<&'w str>,
    played: Played,
}

impl Looking<'_> {
    async fn look(&mut self, player: &mut Player<'_>, second: i64) {
        self.played.looks += 1;
        let tasks = player.tasks().await.unwrap();
        for (who, person) in self.week.people.iter().filter(|(_, person)| person.since <= second) {
            let somebody = read(who);
            let is_his = |task: &DeskTask| match &somebody {
                Who::Guest(id) => task.reservation() == Some(*id),
                Who::Staff(id) => task.staff == Some(*id),
                _ => false,
            };
            let has_task = tasks.iter().any(is_his);
            for door in &self.week.doors {
                let opened = player.opens(door, &somebody);
                self.played.answers.push(if opened { b'o' } else { b'.' });
                // Of a door that was never said to be his the page says all: nobody else opens anything.
                let (opens, needs_task) = if person.doors.contains(door) {
                    let item =
                        Item::Tried { at: second, door: door.clone(), who: who.clone(), told: Told::Nothing };
                    let Want::Tried { opens, task } = self.model.line(&item) else { panic!("{item:?}") };
                    (opens, task)
                } else {
                    (Opens::No, false)
                };
                let is_dead = self.dead.contains(&**door);
                let is_right = match opens {
                    _ if is_dead => !opened,
                    Opens::Yes => opened,
                    Opens::No => !opened,
                    Opens::Either(_) => true,
                };
                let is_looked_after = opened || is_dead || !needs_task || has_task;
                self.played.count(opens, opened, needs_task && has_task);
                if !is_right || !is_looked_after {
                    let what = format!(
                        "{} door {door}, {who}: {opens:?}, opened {opened}, task {has_task}",
                        at(second)
                    );
                    if self.played.wrong.len() < WORDS {
                        self.played.wrong.push(what);
                    }
                }
            }
            self.played.answers.push(b'\n');
        }
    }
}

impl Played {
    const fn count(&mut self, opens: Opens, opened: bool, is_looked_after: bool) {
        self.tries += 1;
        match opens {
            Opens::Either(_) => self.free += 1,
            _ if opened => self.opened += 1,
            _ => self.shut += 1,
        }
        if is_looked_after && !opened {
            self.tasks += 1;
        }
    }
}

fn read(who: &str) -> Who {
    let guest = || who.parse().map(Who::Guest);
    let finder = who.strip_prefix("lost:").map(|id| Who::Finder(id.parse().unwrap()));
    finder.or_else(|| guest().ok()).unwrap_or_else(|| Who::Staff(who.parse().unwrap()))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(second, 0).unwrap()
}
