//! Snapshots of lists, at widths that they have to fit. The files stand in `screens/`; `UPDATE_EXPECT=1` renews them.

use crate::output::{List, Screen};

/// A list on a screen of that width; a line that is wider is a fault.
pub(crate) fn fitted(list: &List, width: u16) -> String {
    let shown = list.on(Screen { width: Some(width), colour: false }, false);
    assert!(shown.lines().all(|line| line.chars().count() <= usize::from(width)), "wider than {width}:\n{shown}");
    shown
}

/// A test for a screen of three tenants, or of eighty: `screen(tenants, width)` of the module that calls it, for each width.
macro_rules! fits {
    ($name:ident, $tenants:expr, $($width:literal => $file:literal),*) => {
        #[test]
        fn $name() {
            $(expect_test::expect_file![concat!("../screens/", $file)].assert_eq(&screen($tenants, $width));)*
        }
    };
}
pub(crate) use fits;
