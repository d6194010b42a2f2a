//! The remembered set: where private old objects refer to young ones.
//!
//! A small object is remembered whole, once: the barrier takes its `UNLOGGED` flag away, and the next minor collection
//! gives it back. Of a larger one (a table, an array) only the stored slots are remembered, because scanning all of a
//! big table at every minor collection would cost milliseconds; its flag stays, and when so many slots are remembered that
//! to look at all of it costs no more, it is remembered whole after all.

use crate::object::header::UNLOGGED;
use crate::object::{Object, Slot};
use std::ptr::{null, null_mut};

/// Objects of up to this many bytes are remembered whole.
const WHOLE: usize = 256;
/// Slots that may be remembered before an object is remembered whole, and for a larger object: one for so many bytes. A
/// slot at random costs about as much as a line of the cache that is scanned.
const MAX_SLOTS: usize = 1 << 16;
const BYTES_OF_SLOT: usize = 64;
/// Places for slots, when there are any.
const LEAST: usize = 64;

/// A mutator's remembered set.
#[derive(Debug)]
pub struct RememberedSet {
    /// Whole objects.
    pub objects: Vec<*mut Object>,
    /// Places for single slots, of which the first `used` are.
    places: Vec<Slot>,
    used: usize,
    /// The object whose slot was remembered last, if its next one is, too, while fewer than `room` places are used.
    last: *const Object,
    room: usize,
}

impl Default for RememberedSet {
    fn default() -> RememberedSet {
        RememberedSet { objects: vec![], places: vec![], used: 0, last: null(), room: 0 }
    }
}

impl RememberedSet {
    /// Remembers that `slot` of the private old object `source` may hold a young one.
    ///
    /// # Safety
    /// `source` is a live private old object of this mutator and `slot` one of its slots.
    #[inline]
    pub unsafe fn remember(&mut self, source: *mut Object, slot: Slot) {
        // SAFETY: [H2] the caller says that it is live.
        let (header, extent) = unsafe { (&*source, Object::extent(source)) };
        if header.flags() & UNLOGGED == 0 {
            return;
        }
        let most = MAX_SLOTS.max(extent.bytes / BYTES_OF_SLOT);
        if extent.bytes > WHOLE && self.used < most {
            if self.used == self.places.len() {
                self.places.resize((2 * self.used).max(LEAST), null_mut());
            }
            self.places[self.used] = slot;
            self.used += 1;
            (self.last, self.room) = (source, most);
        } else {
            header.set_flags_private(0, UNLOGGED);
            self.objects.push(source);
        }
    }

    /// The same, if that takes a few instructions: where `source` is the object of last time, as it is where a program fills
    /// or changes a table. Else answers false.
    #[inline(always)]
    pub fn remember_again(&mut self, source: *mut Object, slot: Slot) -> bool {
        if !std::ptr::eq(source, self.last) || self.used >= self.room {
            return false;
        }
        let Some(place) = self.places.get_mut(self.used) else { return false };
        *place = slot;
        self.used += 1;
        true
    }

    /// The single slots.
    pub fn slots(&self) -> &[Slot] {
        &self.places[..self.used]
    }

    /// Forgets the single slots.
    pub fn clear_slots(&mut self) {
        // The object may die from now on.
        (self.used, self.last) = (0, null());
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.used == 0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::object::TypeInfo;
    use crate::object::header::OLD;

    static TABLE: TypeInfo = TypeInfo::new("Table", 0).with_ref_items();

    /// The memory of an old object with so many items: their number, a header, and the items.
    fn old_table(items: usize) -> Vec<u64> {
        let mut words = vec![0; 2 + items];
        words[0] = items as u64;
        // SAFETY: [H1] a word of our own.
        unsafe { Object::init(words.as_mut_ptr().wrapping_add(1).cast(), &TABLE, OLD | UNLOGGED, 0) };
        words
    }

    #[test]
    fn slots_of_the_last_object_are_remembered_at_once_until_it_is_remembered_whole() {
        let mut words = [old_table(8), old_table(1000), old_table(1000)];
        let [small, table, other] = words.each_mut().map(|words| words.as_mut_ptr().wrapping_add(1).cast::<Object>());
        let slot = |i: usize| std::ptr::without_provenance_mut(8 * i);
        let mut set = RememberedSet::default();
        assert!(!set.remember_again(table, slot(1)) && !set.remember_again(null_mut(), slot(1)) && set.is_empty());
        // SAFETY: [H2] whole objects; the set looks at no slot.
        unsafe {
            set.remember(small, slot(1));
            assert!(!set.remember_again(small, slot(1)), "it is remembered whole");
            assert_eq!((&set.objects[..], set.slots()), (&[small][..], &[][..]));
            set.remember(table, slot(2));
        }
        assert!(set.remember_again(table, slot(3)) && !set.remember_again(other, slot(4)));
        assert_eq!(set.slots(), [slot(2), slot(3)]);
        let mut at_once = 1;
        for i in set.slots().len()..MAX_SLOTS {
            let again = set.remember_again(table, slot(i));
            at_once += usize::from(again);
            if !again {
                // SAFETY: [H2] as above.
                unsafe { set.remember(table, slot(i)) };
            }
        }
        assert!((MAX_SLOTS - 20..MAX_SLOTS).contains(&at_once), "{at_once}: but where places were made");
        assert_eq!((set.slots().len(), set.objects.len()), (MAX_SLOTS, 1));
        assert!(!set.remember_again(table, slot(5)), "there are too many");
        // SAFETY: [H2] as above.
        unsafe { set.remember(table, slot(5)) };
        assert_eq!((set.slots().len(), &set.objects[..]), (MAX_SLOTS, &[small, table][..]));
        set.clear_slots();
        assert!(!set.remember_again(table, slot(6)) && set.slots().is_empty() && !set.is_empty());
    }
}
