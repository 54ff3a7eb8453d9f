//! The vendor's error numbers (VENDOR: section 10.1).

/// One number of the vendor's error list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Errcode(pub(crate) i64);

macro_rules! errcodes {
    ($($name:ident = $number:literal, $english:literal, $chinese:literal;)*) => {
        impl Errcode {
            $(pub(crate) const $name: Self = Self($number);)*

            /// The `errmsg` and the Chinese `description` that go with a number.
            pub(crate) fn texts(self) -> (&'static str, &'static str) {
                match self.0 {
                    $($number => ($english, $chinese),)*
                    _ => ("failed", "失败"),
                }
            }
        }
    };
}

errcodes! {
    FAILED = 1, "failed or means no", "失败或表示否";
    INVALID_PARAMETER = -3, "invalid parameter", "参数错误";
    UNKNOWN_CLIENT = 10000, "invalid client_id", "client_id 不存在";
    WRONG_SECRET = 10001, "invalid client", "client_id 或 client_secret 错误";
    TOKEN_UNKNOWN = 10003, "invalid token", "access_token 不存在";
    TOKEN_EXPIRED = 10004, "invalid grant", "access_token 已过期或已失效";
    WRONG_PASSWORD = 10007, "invalid account or invalid password", "用户名或密码错误";
    REFRESH_INVALID = 10011, "invalid refresh_token", "refresh_token 无效";
    NOT_LOCK_ADMIN = 20002, "not lock admin", "不是锁管理员";
    BAD_USERNAME = 30002, "invalid user name", "用户名只能包含字母和数字";
    USERNAME_EXISTS = 30003, "user already registered", "用户已存在";
    PASSWORD_NOT_MD5 = 30005, "password must be encrypted by md5", "密码必须md5加密";
    TOO_MANY_CALLS = 30006, "too many requests", "调用过于频繁";
    QUOTA_USED_UP = 30007, "monthly request quota exceeded", "本月接口调用次数已用完";
    WRONG_REGION = 30008, "wrong server region", "请使用账号所属区域的服务器";
    DATE_OUT_OF_WINDOW = 80000, "date must be current time, in 5 minutes", "date必须为当前时间,误差5分钟内";
    BAD_JSON = 80002, "invalid json", "json格式错误";
    LOCK_UNKNOWN = -1003, "lock does not exist", "锁不存在";
    NO_PASSCODE_DATA = -1007, "no passcode data of this lock", "锁没有密码数据";
    EKEY_UNKNOWN = -1008, "eKey does not exist", "钥匙不存在";
    CARD_UNKNOWN = -1021, "IC card does not exist", "IC卡不存在";
    PASSCODE_WAS_DELETED = -1026, "the passcode of this period was deleted", "该有效期的密码已被删除";
    BOUND_ELSEWHERE = -1027, "the account is bound and cannot receive eKeys", "账号已绑定,不能接收钥匙";
    PASSCODE_UNKNOWN = -2009, "passcode does not exist", "密码不存在";
    NO_GATEWAY = -2012, "no gateway near the lock", "锁附近没有网关";
    NO_PERMISSION = -2018, "permission denied", "没有权限";
    SEND_TO_SELF = -2019, "you cannot send an eKey to yourself", "不能给自己发送钥匙";
    SEND_TO_ADMIN = -2020, "you cannot send an eKey to the administrator", "不能给管理员发送钥匙";
    LOCK_FROZEN = -2025, "the lock is frozen", "锁已被冻结";
    PASSCODE_TOO_SIMPLE = -2032, "the passcode is too simple", "密码过于简单";
    GATEWAY_OFFLINE = -3002, "the gateway is offline", "网关离线";
    GATEWAY_BUSY = -3003, "the gateway is busy", "网关正忙";
    PASSCODE_LENGTH = -3006, "the passcode must have 4 to 9 digits", "密码长度为4-9位";
    PASSCODE_EXISTS = -3007, "the same passcode exists", "已存在相同的密码";
    PASSCODE_NEVER_USED = -3008, "the passcode was never used on the lock", "密码未在锁上使用过,不能修改";
    PASSCODES_FULL = -3009, "no room for another custom passcode", "自定义密码已达上限";
    WIFI_NOT_SET_UP = -3034, "the WiFi lock has no network", "锁未配置网络";
    WIFI_POWER_SAVING = -3035, "the WiFi lock is in power saving mode", "锁处于省电模式";
    WIFI_OFFLINE = -3036, "the lock is offline", "锁离线";
    WIFI_BUSY = -3037, "the lock is busy", "锁正忙";
    OWN_KEY_ENDS_EARLIER = -3039, "your own eKey ends earlier", "钥匙有效期不能超过自己的有效期";
    NO_REMOTE_RIGHT = -3046, "no right to unlock remotely", "没有远程开锁权限";
    GATEWAY_UNKNOWN = -4037, "gateway does not exist", "网关不存在";
    LOCK_LACKS_FEATURE = -4043, "function not supported by this lock", "锁不支持该功能";
    MEMORY_FULL = -4056, "the memory of the lock is full", "锁内存已满";
    RECEIVER_UNREGISTERED = -4064, "receiver is not registered", "接收者未注册";
    NB_NOT_REGISTERED = -4067, "the NB-IoT device is not registered", "NB设备未注册";
}
