//! A crossing gives an object only as the type that it has, however alike two types look.

use handfast::{Array, Config, Data, Error, Field, Heap, LinkFlags, Trace};
use std::ptr::null_mut;

mod one {
    use super::*;
    #[derive(Trace)]
    pub struct Cell<T> {
        pub value: Field<T>,
    }
}

#[test]
fn types_of_one_layout_and_name_are_told_apart() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let object = s.alloc(one::Cell::<u64> { value: Field::null() })?;
        let handle = s.handle(object, 24, null_mut(), LinkFlags::LIGHT)?;
        assert_eq!(s.to_obj::<one::Cell<u64>>(&handle), Some(object.get(s)));
        assert!(s.to_obj::<one::Cell<u32>>(&handle).is_none());
        assert!(s.to_obj::<one::Cell<one::Cell<u64>>>(&handle).is_none());
        assert!(s.to_obj::<Field<u64>>(&handle).is_none());

        let array = s.alloc_array::<u64>(1)?;
        let handle = s.handle(array, 24, null_mut(), LinkFlags::LIGHT)?;
        assert!(s.to_obj::<Array<u64>>(&handle).is_some());
        assert!(s.to_obj::<Array<u32>>(&handle).is_none());

        let data = s.alloc_bytes(b"x")?;
        let handle = s.handle(data, 24, null_mut(), LinkFlags::LIGHT)?;
        assert!(s.to_obj::<Data<u8>>(&handle).is_some());
        assert!(s.to_obj::<Data<i8>>(&handle).is_none());
        Ok(())
    })
}
