//! The table of paths. A new part of the vendor's API is a file with its operations and rows here.

use crate::reach::LastStretch;
use crate::state::State;
use crate::wire::{Answer, Fields};
use crate::{account, card, ekey, gateway, lock, passcode, quota, record, remote};

/// One admitted request: who asks, when, and with which fields.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) client_id: String,
    /// The account behind the access token; 0 where the path takes none.
    pub(crate) uid: i64,
    pub(crate) now_ms: i64,
    pub(crate) fields: Fields,
    /// What happens to it between gateway and lock.
    pub(crate) last_stretch: LastStretch,
}

/// Which HTTP methods a path answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verbs {
    /// VENDOR: section 2, writes are POST.
    Post,
    /// VENDOR: section 2, reads are GET, or POST with the same fields. So are the few writes that clients in
    /// daily use send by GET although their page says POST.
    GetOrPost,
}

impl Verbs {
    /// The `Allow` header of a refused method.
    pub(crate) fn allow(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::GetOrPost => "GET, POST",
        }
    }
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

/// How far a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The cloud answers by itself.
    Cloud,
    /// To the lock.
    Lock,
    /// To the lock if this field says 2.
    IfTwo(&'static str),
}

impl Way {
    /// Whether a call with these fields travels to the lock.
    pub(crate) fn travels(self, fields: &Fields) -> bool {
        match self {
            Self::Cloud => false,
            Self::Lock => true,
            Self::IfTwo(name) => fields.optional(name) == Some("2"),
        }
    }
}

/// What a field holds; it travels as text in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Millis,
    Text,
    Json,
}

/// One field of a call beside the common ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) is_required: bool,
}

/// What a successful answer looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// `errcode` 0 and texts.
    Ack,
    /// An object with these members.
    Object(&'static [&'static str]),
    /// A page of objects with these members.
    Page(&'static [&'static str]),
    /// A whole list of objects with these members.
    List(&'static [&'static str]),
}

/// One path of the vendor's API.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) path: &'static str,
    pub(crate) verbs: Verbs,
    pub(crate) gate: Gate,
    pub(crate) way: Way,
    pub(crate) run: fn(&mut State, &Call) -> Answer,
    /// Where the vendor page describes it.
    pub(crate) section: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) shape: Shape,
}

type Run = fn(&mut State, &Call) -> Answer;

const fn write(
    path: &'static str,
    gate: Gate,
    run: Run,
    section: &'static str,
    fields: &'static [Field],
) -> Route {
    Route { path, verbs: Verbs::Post, gate, way: Way::Cloud, run, section, fields, shape: Shape::Ack }
}

const fn read(
    path: &'static str,
    run: Run,
    section: &'static str,
    fields: &'static [Field],
    shape: Shape,
) -> Route {
    Route { path, verbs: Verbs::GetOrPost, gate: Gate::Token, way: Way::Cloud, run, section, fields, shape }
}

impl Route {
    const fn by(mut self, way: Way) -> Self {
        self.way = way;
        self
    }

    const fn also_by_get(mut self) -> Self {
        self.verbs = Verbs::GetOrPost;
        self
    }

    const fn gives(mut self, members: &'static [&'static str]) -> Self {
        self.shape = Shape::Object(members);
        self
    }
}

const fn need(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, is_required: true }
}

const fn may(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, is_required: false }
}

const LOCK: Field = need("lockId", Kind::Int);
const KEY: Field = need("keyId", Kind::Int);
const START: Field = need("startDate", Kind::Millis);
const END: Field = need("endDate", Kind::Millis);
const PAGE: Field = need("pageNo", Kind::Int);
const SIZE: Field = may("pageSize", Kind::Int);
const ORDER: Field = may("orderBy", Kind::Int);
const SEARCH: Field = may("searchStr", Kind::Text);

const KEY_ITEM: &[&str] = &[
    "keyId",
    "lockId",
    "username",
    "uid",
    "keyName",
    "keyStatus",
    "startDate",
    "endDate",
    "keyRight",
    "remoteEnable",
    "senderUsername",
    "remarks",
    "date",
];
const OWN_KEY: &[&str] = &[
    "keyId",
    "lockData",
    "lockId",
    "userType",
    "keyStatus",
    "lockName",
    "lockAlias",
    "lockMac",
    "electricQuantity",
    "startDate",
    "endDate",
    "remarks",
    "keyRight",
    "featureValue",
    "remoteEnable",
    "passageMode",
    "timezoneRawOffset",
    "groupId",
    "groupName",
];
const LOCK_ITEM: &[&str] = &[
    "lockId",
    "lockName",
    "lockAlias",
    "lockMac",
    "electricQuantity",
    "featureValue",
    "hasGateway",
    "lockData",
    "groupId",
    "groupName",
    "date",
];
const LOCK_DETAIL: &[&str] = &[
    "lockId",
    "lockName",
    "lockAlias",
    "lockMac",
    "noKeyPwd",
    "electricQuantity",
    "featureValue",
    "timezoneRawOffset",
    "modelNum",
    "hardwareRevision",
    "firmwareRevision",
    "autoLockTime",
    "lockSound",
    "hasGateway",
    "privacyLock",
    "tamperAlert",
    "resetButton",
    "openDirection",
    "passageMode",
    "passageModeAutoUnlock",
    "isFrozen",
    "date",
];
const PASSCODE_ITEM: &[&str] = &[
    "keyboardPwdId",
    "lockId",
    "keyboardPwd",
    "keyboardPwdName",
    "keyboardPwdVersion",
    "keyboardPwdType",
    "startDate",
    "endDate",
    "sendDate",
    "isCustom",
    "senderUsername",
    "status",
];
const CARD_ITEM: &[&str] = &[
    "cardId",
    "lockId",
    "cardNumber",
    "cardName",
    "cardType",
    "startDate",
    "endDate",
    "createDate",
    "senderUsername",
];
const GATEWAY_ITEM: &[&str] = &[
    "gatewayId",
    "gatewayMac",
    "gatewayName",
    "gatewayVersion",
    "networkName",
    "networkMac",
    "lockNum",
    "isOnline",
];
const RECORD_ITEM: &[&str] = &[
    "recordId",
    "lockId",
    "recordTypeFromLock",
    "recordType",
    "success",
    "username",
    "keyboardPwd",
    "lockDate",
    "serverDate",
];

const ADD_CARD: &[Field] = &[
    LOCK,
    need("cardNumber", Kind::Text),
    may("cardName", Kind::Text),
    may("startDate", Kind::Millis),
    may("endDate", Kind::Millis),
    may("cardType", Kind::Int),
    may("cyclicConfig", Kind::Json),
    may("addType", Kind::Int),
];

static ROUTES: &[Route] = &[
    write(
        "/oauth2/token",
        Gate::Grant,
        account::token,
        "3",
        &[
            may("grant_type", Kind::Text),
            may("username", Kind::Text),
            may("password", Kind::Text),
            may("refresh_token", Kind::Text),
        ],
    )
    .gives(&["access_token", "refresh_token", "expires_in"]),
    write("/app/getMonthRequestCount", Gate::Console, quota::month_request_count, "12", &[])
        .gives(&["monthRequestCount"]),
    write(
        "/v3/user/register",
        Gate::Secret,
        account::register,
        "3.1",
        &[need("username", Kind::Text), need("password", Kind::Text)],
    )
    .gives(&["username"])
    .also_by_get(),
    write(
        "/v3/key/send",
        Gate::Token,
        ekey::send,
        "4",
        &[
            LOCK,
            need("receiverUsername", Kind::Text),
            need("keyName", Kind::Text),
            START,
            END,
            may("remarks", Kind::Text),
            may("remoteEnable", Kind::Int),
            may("keyRight", Kind::Int),
            may("createUser", Kind::Int),
        ],
    )
    .gives(&["keyId"]),
    write("/v3/key/delete", Gate::Token, ekey::delete, "4", &[KEY]),
    write("/v3/key/freeze", Gate::Token, ekey::freeze, "4", &[KEY]),
    write("/v3/key/unfreeze", Gate::Token, ekey::unfreeze, "4", &[KEY]),
    write("/v3/key/changePeriod", Gate::Token, ekey::change_period, "4", &[KEY, START, END]),
    write(
        "/v3/key/update",
        Gate::Token,
        ekey::update,
        "4",
        &[KEY, may("keyName", Kind::Text), may("remoteEnable", Kind::Int)],
    ),
    write("/v3/key/authorize", Gate::Token, ekey::authorize, "4", &[LOCK, KEY]),
    write("/v3/key/getUnlockLink", Gate::Token, ekey::unlock_link, "4", &[KEY]).gives(&["link"]),
    read("/v3/key/get", ekey::own, "4", &[LOCK], Shape::Object(OWN_KEY)),
    read(
        "/v3/key/list",
        ekey::own_list,
        "4",
        &[PAGE, SIZE, ORDER, may("lockAlias", Kind::Text), may("groupId", Kind::Int)],
        Shape::Page(OWN_KEY),
    ),
    read(
        "/v3/lock/listKey",
        ekey::list_of_lock,
        "4",
        &[LOCK, PAGE, SIZE, ORDER, SEARCH, may("keyRight", Kind::Int)],
        Shape::Page(KEY_ITEM),
    ),
    write(
        "/v3/keyboardPwd/get",
        Gate::Token,
        passcode::get,
        "5",
        &[
            LOCK,
            need("keyboardPwdType", Kind::Int),
            may("keyboardPwdName", Kind::Text),
            START,
            may("endDate", Kind::Millis),
            may("keyboardPwdVersion", Kind::Int),
        ],
    )
    .gives(&["keyboardPwd", "keyboardPwdId"]),
    write(
        "/v3/keyboardPwd/add",
        Gate::Token,
        passcode::add,
        "5",
        &[
            LOCK,
            need("keyboardPwd", Kind::Text),
            may("keyboardPwdName", Kind::Text),
            may("keyboardPwdType", Kind::Int),
            may("startDate", Kind::Millis),
            may("endDate", Kind::Millis),
            may("addType", Kind::Int),
        ],
    )
    .gives(&["keyboardPwdId"])
    .by(Way::IfTwo("addType")),
    write(
        "/v3/keyboardPwd/change",
        Gate::Token,
        passcode::change,
        "5",
        &[
            LOCK,
            need("keyboardPwdId", Kind::Int),
            may("keyboardPwdName", Kind::Text),
            may("newKeyboardPwd", Kind::Text),
            may("startDate", Kind::Millis),
            may("endDate", Kind::Millis),
            may("changeType", Kind::Int),
        ],
    )
    .by(Way::IfTwo("changeType")),
    write(
        "/v3/keyboardPwd/delete",
        Gate::Token,
        passcode::delete,
        "5",
        &[LOCK, need("keyboardPwdId", Kind::Int), may("deleteType", Kind::Int)],
    )
    .by(Way::IfTwo("deleteType")),
    write(
        "/v3/keyboardPwd/deleteByCode",
        Gate::Token,
        passcode::delete_by_code,
        "5",
        &[LOCK, need("keyboardPwd", Kind::Text), may("deleteType", Kind::Int)],
    )
    .by(Way::IfTwo("deleteType")),
    write(
        "/v3/keyboardPwd/uploadValidCodeFromLock",
        Gate::Token,
        passcode::upload_valid,
        "5",
        &[LOCK, need("keyboardPwdList", Kind::Json)],
    ),
    read(
        "/v3/lock/listKeyboardPwd",
        passcode::list,
        "5",
        &[LOCK, PAGE, SIZE, ORDER, SEARCH],
        Shape::Page(PASSCODE_ITEM),
    ),
    write("/v3/identityCard/add", Gate::Token, card::add, "6", ADD_CARD)
        .gives(&["cardId"])
        .by(Way::IfTwo("addType")),
    write("/v3/identityCard/addForReversedCardNumber", Gate::Token, card::add_reversed, "6", ADD_CARD)
        .gives(&["cardId"])
        .by(Way::IfTwo("addType")),
    write(
        "/v3/identityCard/changePeriod",
        Gate::Token,
        card::change_period,
        "6",
        &[
            LOCK,
            need("cardId", Kind::Int),
            START,
            END,
            may("cyclicConfig", Kind::Json),
            may("changeType", Kind::Int),
        ],
    )
    .by(Way::IfTwo("changeType")),
    write(
        "/v3/identityCard/delete",
        Gate::Token,
        card::delete,
        "6",
        &[LOCK, need("cardId", Kind::Int), may("deleteType", Kind::Int)],
    )
    .by(Way::IfTwo("deleteType")),
    write(
        "/v3/identityCard/deleteByCardNumber",
        Gate::Token,
        card::delete_by_number,
        "6",
        &[LOCK, need("cardNumber", Kind::Text), may("deleteType", Kind::Int)],
    )
    .by(Way::IfTwo("deleteType")),
    read(
        "/v3/identityCard/list",
        card::list,
        "6",
        &[LOCK, PAGE, SIZE, ORDER, SEARCH],
        Shape::Page(CARD_ITEM),
    ),
    read(
        "/v3/lock/list",
        lock::list,
        "7",
        &[PAGE, SIZE, ORDER, may("lockAlias", Kind::Text), may("groupId", Kind::Int)],
        Shape::Page(LOCK_ITEM),
    ),
    read("/v3/lock/detail", lock::detail, "7", &[LOCK], Shape::Object(LOCK_DETAIL)),
    read("/v3/lock/queryOpenState", remote::query_open_state, "7", &[LOCK], Shape::Object(&["state"]))
        .by(Way::Lock),
    read(
        "/v3/lock/queryElectricQuantity",
        remote::query_battery,
        "7",
        &[LOCK],
        Shape::Object(&["electricQuantity"]),
    )
    .by(Way::Lock),
    read("/v3/lock/queryDate", remote::query_date, "7", &[LOCK], Shape::Object(&["date"])).by(Way::Lock),
    read("/v3/lock/queryStatus", remote::query_status, "7", &[LOCK], Shape::Object(&["status"]))
        .by(Way::Lock),
    write("/v3/lock/updateDate", Gate::Token, remote::update_date, "7", &[LOCK])
        .gives(&["date"])
        .by(Way::Lock),
    write("/v3/lock/unlock", Gate::Token, remote::unlock, "7", &[LOCK]).by(Way::Lock).also_by_get(),
    write("/v3/lock/lock", Gate::Token, remote::lock, "7", &[LOCK]).by(Way::Lock).also_by_get(),
    write("/v3/lock/freeze", Gate::Token, remote::freeze, "7", &[LOCK]).by(Way::Lock),
    write("/v3/lock/unfreeze", Gate::Token, remote::unfreeze, "7", &[LOCK]).by(Way::Lock),
    write(
        "/v3/lock/changeTimezoneRawOffset",
        Gate::Token,
        remote::change_zone,
        "7",
        &[LOCK, need("timezoneRawOffset", Kind::Int), may("type", Kind::Int)],
    )
    .gives(&["lockData"])
    .by(Way::IfTwo("type")),
    read("/v3/gateway/list", gateway::list, "7", &[PAGE, SIZE, ORDER], Shape::Page(GATEWAY_ITEM)),
    read(
        "/v3/gateway/detail",
        gateway::detail,
        "7",
        &[need("gatewayId", Kind::Int)],
        Shape::Object(GATEWAY_ITEM),
    ),
    read(
        "/v3/gateway/listByLock",
        gateway::list_by_lock,
        "7",
        &[LOCK],
        Shape::List(&["gatewayId", "gatewayMac", "gatewayName", "rssi", "rssiUpdateDate"]),
    ),
    read(
        "/v3/gateway/listLock",
        gateway::list_locks,
        "7",
        &[need("gatewayId", Kind::Int)],
        Shape::List(&["lockId", "lockMac", "lockName", "lockAlias", "rssi", "updateDate"]),
    ),
    write("/v3/wifiLock/detail", Gate::Token, remote::wifi_detail, "7", &[LOCK]).gives(&[
        "isOnline",
        "networkName",
        "wifiMac",
        "rssiGrade",
        "powerSavingMode",
    ]),
    read(
        "/v3/lockRecord/list",
        record::list,
        "8",
        &[
            LOCK,
            PAGE,
            SIZE,
            ORDER,
            may("startDate", Kind::Millis),
            may("endDate", Kind::Millis),
            may("uid", Kind::Int),
            may("recordType", Kind::Int),
            SEARCH,
        ],
        Shape::Page(RECORD_ITEM),
    ),
    write("/v3/lockRecord/upload", Gate::Token, record::upload, "8", &[LOCK, need("records", Kind::Json)]),
];

/// All paths, in the order of the page.
pub(crate) fn all() -> &'static [Route] {
    ROUTES
}

/// The row of a path, if the vendor has it.
pub(crate) fn find(path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.path == path)
}
