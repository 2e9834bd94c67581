//! Enums whose variants each have a word, for programs and for people.

/// Makes the enum and its `word`; and a list of all variants in order, if a name for it follows.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }
        $(#[$doc:meta])+
        pub const $all:ident;
    ) => {
        crate::word::words! { $(#[$meta])* $vis enum $name { $($(#[$of])* $variant = $word,)+ } }

        impl $name {
            $(#[$doc])+
            pub const $all: &[Self] = &[$(Self::$variant,)+];
        }
    };
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        $vis enum $name { $($(#[$of])* $variant,)+ }

        impl $name {
            /// As in the API and in the audit log.
            $vis fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

pub(crate) use words;
