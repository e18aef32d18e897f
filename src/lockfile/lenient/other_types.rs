//! The JSON types that a visitor does not read itself.

/// Implements the visits of the JSON types that a visitor does not read itself; the closure gives their value.
macro_rules! other_types {
    (|$this:pat_param| $value:expr; $($visit:ident)*) => {
        $($crate::lockfile::lenient::other_types!(@ $visit $this, $value);)*
    };
    (@ unit $this:pat_param, $value:expr) => {
        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            let $this = self;
            Ok($value)
        }
    };
    (@ bool $this:pat_param, $value:expr) => {
        fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
            let $this = self;
            Ok($value)
        }
    };
    (@ number $this:pat_param, $value:expr) => {
        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
            let $this = self;
            Ok($value)
        }

        fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
            let $this = self;
            Ok($value)
        }

        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
            let $this = self;
            Ok($value)
        }
    };
    (@ text $this:pat_param, $value:expr) => {
        fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
            let $this = self;
            Ok($value)
        }
    };
    (@ list $this:pat_param, $value:expr) => {
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<serde::de::IgnoredAny>()?.is_some() {}
            let $this = self;
            Ok($value)
        }
    };
    (@ object $this:pat_param, $value:expr) => {
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
            while object.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
            let $this = self;
            Ok($value)
        }
    };
}
pub(in crate::lockfile) use other_types;
