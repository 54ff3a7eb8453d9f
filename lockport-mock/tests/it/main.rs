//! The mock, tested without the core's engine in between.

#[cfg(test)]
mod address;
#[cfg(test)]
mod feed;
#[cfg(test)]
mod personalities;
#[cfg(test)]
mod stand;
#[cfg(test)]
mod vendor;
