//! Transports: what carries a driver's bytes, and the layers around it.

mod reqwest;

pub use self::reqwest::{ReqwestTransport, Roots, TransportConfig, TransportConfigError};
