#![doc = include_str!("../README.md")]

pub mod adapter;
pub mod audit;
pub mod capability;
pub mod credential;
pub mod device;
pub mod driver;
pub mod env;
pub mod error;
pub mod event;
pub mod id;
pub mod idempotency;
pub mod keys;
pub mod pin;
pub mod port;
pub mod property;
pub mod scope;
pub mod secret;
pub mod stack;
pub mod store;
pub mod telemetry;
pub mod transport;
pub mod validity;

pub use self::error::{ErrorCode, FailureReason, LockError, Operation, RetryAdvice};
pub use self::port::{AdapterDescriptor, LockPort, SharedLockPort};
pub use self::secret::Secret;
pub use self::validity::{Timestamp, Validity};
