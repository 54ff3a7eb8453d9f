//! The suite, judged: by an adapter that keeps every promise, and by adapters that break one each.

#[cfg(test)]
mod cases_md;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod personalities;
#[cfg(all(test, feature = "ttlock", feature = "wiegand"))]
mod readme;
#[cfg(test)]
#[path = "../../saboteurs/mod.rs"]
mod saboteurs;
#[cfg(test)]
mod teeth;
#[cfg(all(test, feature = "ttlock"))]
mod ttlock;
#[cfg(test)]
mod verdicts;
#[cfg(all(test, feature = "wiegand"))]
mod wiegand;
