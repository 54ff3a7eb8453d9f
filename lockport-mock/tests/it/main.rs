//! The mock, tested without the core's engine in between.

#[cfg(test)]
mod vendor;
