//! Everything the vendor's cloud and the locks remember.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Notify, oneshot};

use crate::account::{AccessToken, Account, Application, Home, RefreshToken};
use crate::callback::{self, Outbox};
use crate::card::Card;
use crate::ekey::EKey;
use crate::gateway::Gateway;
use crate::limits::ACCESS_TOKEN_LIFE_S;
use crate::lock::Lock;
use crate::passcode::{Passcode, Withdrawn};
use crate::prng::Prng;
use crate::probe::{Answered, Seen};
use crate::quota::Quota;
use crate::record::{self, Record};
use crate::route::{Call, Route};
use crate::wire::{Shapes, Typing};

/// A request whose effect comes later: it was cut off, or it is on its way to a lock.
#[derive(Debug)]
pub(crate) struct Late {
    pub(crate) due_ms: i64,
    pub(crate) route: &'static Route,
    pub(crate) call: Call,
    /// Who waits for the answer, if anybody does.
    pub(crate) answer: Option<oneshot::Sender<Value>>,
    /// Its line in the log of requests, if that is still open.
    pub(crate) line: Option<usize>,
}

/// The whole simulated world.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) prng: Prng,
    pub(crate) shapes: Shapes,
    pub(crate) applications: BTreeMap<String, Application>,
    pub(crate) accounts: BTreeMap<i64, Account>,
    pub(crate) access_tokens: BTreeMap<String, AccessToken>,
    pub(crate) refresh_tokens: BTreeMap<String, RefreshToken>,
    /// Which accounts ever obtained a token with which application.
    pub(crate) logins: BTreeSet<(String, i64)>,
    pub(crate) access_token_life_s: i64,
    pub(crate) rotate_refresh_tokens: bool,
    /// How far the cloud's clock is ahead of the true time.
    pub(crate) cloud_skew_ms: i64,
    pub(crate) locks: BTreeMap<i64, Lock>,
    pub(crate) ekeys: BTreeMap<i64, EKey>,
    /// The eKey behind each unlock link.
    pub(crate) links: BTreeMap<String, i64>,
    pub(crate) passcodes: BTreeMap<i64, Passcode>,
    pub(crate) withdrawn: BTreeSet<Withdrawn>,
    pub(crate) cards: BTreeMap<i64, Card>,
    pub(crate) records: Vec<Record>,
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) quota: Quota,
    pub(crate) late: Vec<Late>,
    pub(crate) seen: Vec<Seen>,
    /// Where each application wants its callbacks.
    pub(crate) callback_urls: BTreeMap<String, String>,
    pub(crate) outbox: Outbox,
    /// Rung when a callback is put into the outbox.
    pub(crate) bell: Arc<Notify>,
}

impl State {
    pub(crate) fn new(seed: u64, typing: Typing) -> Self {
        Self {
            prng: Prng::new(seed),
            shapes: Shapes::new(typing),
            applications: BTreeMap::new(),
            accounts: BTreeMap::new(),
            access_tokens: BTreeMap::new(),
            refresh_tokens: BTreeMap::new(),
            logins: BTreeSet::new(),
            access_token_life_s: ACCESS_TOKEN_LIFE_S,
            rotate_refresh_tokens: false,
            cloud_skew_ms: 0,
            locks: BTreeMap::new(),
            ekeys: BTreeMap::new(),
            links: BTreeMap::new(),
            passcodes: BTreeMap::new(),
            withdrawn: BTreeSet::new(),
            cards: BTreeMap::new(),
            records: Vec::new(),
            gateways: Vec::new(),
            quota: Quota::new(),
            late: Vec::new(),
            seen: Vec::new(),
            callback_urls: BTreeMap::new(),
            outbox: Outbox::default(),
            bell: Arc::default(),
        }
    }

    /// Brings the world up to now: late effects land in the order of their times, radios are heard or missed,
    /// locks tell their news.
    pub(crate) fn settle(&mut self, now_ms: i64) {
        let (mut due, waiting): (Vec<Late>, Vec<Late>) =
            std::mem::take(&mut self.late).into_iter().partition(|late| late.due_ms <= now_ms);
        self.late = waiting;
        due.sort_by_key(|late| late.due_ms);
        for Late { due_ms, route, mut call, answer, line } in due {
            call.now_ms = due_ms;
            let outcome = (route.run)(self, &call);
            if let Some(seen) = line.and_then(|line| self.seen.get_mut(line))
                && seen.answered == Answered::Waiting
            {
                seen.answered = Answered::Errcode(outcome.as_ref().err().map_or(0, |code| code.0));
            }
            if let Some(answer) = answer {
                let body = self.shapes.body(outcome);
                // A caller that hung up in between hears nothing; the effect stands.
                let _unheard = answer.send(body);
            }
        }
        callback::watch_radios(self, now_ms);
        record::collect(self, now_ms);
    }

    /// Makes every access token in the world a dead one.
    pub(crate) fn expire_tokens(&mut self, now_ms: i64) {
        for token in self.access_tokens.values_mut() {
            token.expires_ms = token.expires_ms.min(now_ms);
        }
    }

    pub(crate) fn uid_of(&self, username: &str) -> Option<i64> {
        self.accounts.iter().find(|(_, account)| account.username == username).map(|(uid, _)| *uid)
    }

    pub(crate) fn username_of(&self, uid: i64) -> String {
        self.accounts.get(&uid).map(|account| account.username.clone()).unwrap_or_default()
    }

    pub(crate) fn add_account(&mut self, username: &str, password_md5: &str) -> i64 {
        let uid = self.prng.small_id();
        let account =
            Account { username: username.into(), password_md5: password_md5.into(), home: Home::Here };
        self.accounts.insert(uid, account);
        uid
    }
}
