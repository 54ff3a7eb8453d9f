//! Everything the vendor's cloud and the locks remember.

use std::collections::BTreeMap;

use crate::account::{AccessToken, Account, Application, RefreshToken};
use crate::ekey::EKey;
use crate::gateway::Gateway;
use crate::limits::ACCESS_TOKEN_LIFE_S;
use crate::lock::Lock;
use crate::prng::Prng;
use crate::probe::Seen;
use crate::quota::Quota;
use crate::route::{Call, Route};
use crate::wire::{Shapes, Typing};

/// A request that was cut off and takes effect later.
#[derive(Debug)]
pub(crate) struct Late {
    pub(crate) due_ms: i64,
    pub(crate) route: &'static Route,
    pub(crate) call: Call,
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
    pub(crate) access_token_life_s: i64,
    pub(crate) rotate_refresh_tokens: bool,
    pub(crate) locks: BTreeMap<i64, Lock>,
    pub(crate) ekeys: BTreeMap<i64, EKey>,
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) quota: Quota,
    pub(crate) late: Vec<Late>,
    pub(crate) seen: Vec<Seen>,
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
            access_token_life_s: ACCESS_TOKEN_LIFE_S,
            rotate_refresh_tokens: false,
            locks: BTreeMap::new(),
            ekeys: BTreeMap::new(),
            gateways: Vec::new(),
            quota: Quota::new(),
            late: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Lets every late effect land whose time has come, in the order of their times.
    pub(crate) fn settle(&mut self, now_ms: i64) {
        let (mut due, waiting): (Vec<Late>, Vec<Late>) =
            std::mem::take(&mut self.late).into_iter().partition(|late| late.due_ms <= now_ms);
        self.late = waiting;
        due.sort_by_key(|late| late.due_ms);
        for Late { due_ms, route, mut call } in due {
            call.now_ms = due_ms;
            // Nobody is left to hear the answer, whichever it is.
            let _unheard = (route.run)(self, &call);
        }
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
        let account = Account { username: username.into(), password_md5: password_md5.into() };
        self.accounts.insert(uid, account);
        uid
    }
}
