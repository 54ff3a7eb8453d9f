//! The table of paths. A new part of the vendor's API is a file with its operations and rows here.

use crate::state::State;
use crate::wire::{Answer, Fields};
use crate::{account, ekey, gateway, lock, quota};

/// One admitted request: who asks, when, and with which fields.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) client_id: String,
    /// The account behind the access token; 0 where the path takes none.
    pub(crate) uid: i64,
    pub(crate) now_ms: i64,
    pub(crate) fields: Fields,
}

/// Which HTTP methods a path answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verbs {
    /// VENDOR: section 2, writes are POST.
    Post,
    /// VENDOR: section 2, reads are GET, or POST with the same fields.
    GetOrPost,
}

/// What a caller must show before the operation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Id and secret in either spelling, no `date`.
    Grant,
    /// Id and secret, no `date`, and the call is not counted.
    Console,
    /// Id, secret and `date`.
    Secret,
    /// Id, access token and `date`.
    Token,
}

/// One path of the vendor's API.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) path: &'static str,
    pub(crate) verbs: Verbs,
    pub(crate) gate: Gate,
    pub(crate) run: fn(&mut State, &Call) -> Answer,
}

const fn write(path: &'static str, gate: Gate, run: fn(&mut State, &Call) -> Answer) -> Route {
    Route { path, verbs: Verbs::Post, gate, run }
}

const fn read(path: &'static str, run: fn(&mut State, &Call) -> Answer) -> Route {
    Route { path, verbs: Verbs::GetOrPost, gate: Gate::Token, run }
}

static ROUTES: &[Route] = &[
    write("/oauth2/token", Gate::Grant, account::token),
    write("/app/getMonthRequestCount", Gate::Console, quota::month_request_count),
    write("/v3/user/register", Gate::Secret, account::register),
    write("/v3/key/send", Gate::Token, ekey::send),
    write("/v3/key/delete", Gate::Token, ekey::delete),
    write("/v3/key/freeze", Gate::Token, ekey::freeze),
    write("/v3/key/unfreeze", Gate::Token, ekey::unfreeze),
    write("/v3/key/changePeriod", Gate::Token, ekey::change_period),
    read("/v3/lock/listKey", ekey::list_of_lock),
    read("/v3/lock/list", lock::list),
    read("/v3/lock/detail", lock::detail),
    read("/v3/gateway/list", gateway::list),
    read("/v3/gateway/listByLock", gateway::list_by_lock),
];

/// The row of a path, if the vendor has it.
pub(crate) fn find(path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.path == path)
}
