//! Paging and order of lists (VENDOR: section 2.3).

use std::cmp::Reverse;

use serde_json::{Value, json};

use crate::errcode::Errcode;
use crate::limits::PAGE_SIZE_DEFAULT;
use crate::wire::{Answer, Fields};

/// The order a caller asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    NameUp,
    NewestFirst,
    NameDown,
}

/// One page of a list, as asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    number: i64,
    size: i64,
    order: Order,
}

impl Page {
    /// Reads the paging fields of a list whose pages hold at most `max` items.
    ///
    /// `orderBy` may be missing although some pages call it required: the vendor's own examples leave it out.
    pub(crate) fn read(fields: &Fields, max: i64) -> Result<Self, Errcode> {
        let number = fields.int("pageNo")?;
        let size = fields.optional_int("pageSize")?.unwrap_or(PAGE_SIZE_DEFAULT);
        let order = match fields.choice("orderBy", &[0, 1, 2], 0)? {
            1 => Order::NewestFirst,
            2 => Order::NameDown,
            _ => Order::NameUp,
        };
        if number < 1 || size < 1 || size > max {
            return Err(Errcode::INVALID_PARAMETER);
        }
        Ok(Self { number, size, order })
    }

    /// The same page, newest first, whatever the caller asked for.
    pub(crate) fn newest_first(self) -> Self {
        Self { order: Order::NewestFirst, ..self }
    }

    /// Orders `items` by the name and age that `by` tells, and cuts this page out of them.
    pub(crate) fn cut<T>(self, mut items: Vec<T>, by: impl Fn(&T) -> (String, i64)) -> Cut<T> {
        match self.order {
            Order::NameUp => items.sort_by_cached_key(by),
            Order::NameDown => items.sort_by_cached_key(|item| {
                let (name, age) = by(item);
                (Reverse(name), age)
            }),
            Order::NewestFirst => items.sort_by_cached_key(|item| Reverse(by(item).1)),
        }
        let total = items.len();
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let skipped = usize::try_from(self.number - 1).unwrap_or(usize::MAX).saturating_mul(size);
        Cut { page: self, total, items: items.into_iter().skip(skipped).take(size).collect() }
    }
}

/// The items of one page and how many there are in all.
#[derive(Debug)]
pub(crate) struct Cut<T> {
    page: Page,
    total: usize,
    items: Vec<T>,
}

impl<T> Cut<T> {
    /// The list answer, with every item written by `write`.
    pub(crate) fn answer(self, mut write: impl FnMut(T) -> Value) -> Value {
        let Self { page, total, items } = self;
        let list: Vec<Value> = items.into_iter().map(&mut write).collect();
        Self::written(page, total, &list)
    }

    /// The same, where an item may turn out to be gone.
    pub(crate) fn try_answer(self, mut write: impl FnMut(T) -> Answer) -> Answer {
        let Self { page, total, items } = self;
        let list = items.into_iter().map(&mut write).collect::<Result<Vec<Value>, Errcode>>()?;
        Ok(Self::written(page, total, &list))
    }

    fn written(page: Page, total: usize, list: &[Value]) -> Value {
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        json!({
            "list": list,
            "pageNo": page.number,
            "pageSize": page.size,
            "pages": total.div_ceil(size),
            "total": total,
        })
    }
}

/// Fuzzy search: the wanted text stands anywhere in the name, in any case.
pub(crate) fn fuzzy(name: &str, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| name.to_lowercase().contains(&wanted.to_lowercase()))
}
