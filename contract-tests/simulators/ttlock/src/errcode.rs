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
    DATE_OUT_OF_WINDOW = 80000, "date must be current time, in 5 minutes", "date必须为当前时间,误差5分钟内";
    LOCK_UNKNOWN = -1003, "lock does not exist", "锁不存在";
    EKEY_UNKNOWN = -1008, "eKey does not exist", "钥匙不存在";
    NO_PERMISSION = -2018, "permission denied", "没有权限";
    SEND_TO_SELF = -2019, "you cannot send an eKey to yourself", "不能给自己发送钥匙";
    SEND_TO_ADMIN = -2020, "you cannot send an eKey to the administrator", "不能给管理员发送钥匙";
    OWN_KEY_ENDS_EARLIER = -3039, "your own eKey ends earlier", "钥匙有效期不能超过自己的有效期";
    LOCK_LACKS_FEATURE = -4043, "function not supported by this lock", "锁不支持该功能";
    RECEIVER_UNREGISTERED = -4064, "receiver is not registered", "接收者未注册";
}
