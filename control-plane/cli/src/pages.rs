//! Lists, page by page, short names, and labels.

use std::collections::BTreeMap;

use crate::failure::Failure;

/// Reads every page of a list.
macro_rules! every_page {
    ($client:expr, $method:ident, $request:expr, $field:ident) => {{
        let mut request = $request;
        let mut every = Vec::new();
        loop {
            let page = $client.$method($crate::client::within(request.clone())).await?.into_inner();
            every.extend(page.$field);
            if page.next_page_token.is_empty() {
                break every;
            }
            request.page_token = page.next_page_token;
        }
    }};
}
pub(crate) use every_page;

/// `region=nordic`, and more of them.
pub(crate) fn label_pairs(labels: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let label = |text: &String| {
        let pair = text.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty());
        pair.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .ok_or_else(|| Failure::Usage(format!("--label {text:?} is not KEY=VALUE, such as region=nordic")))
    };
    labels.iter().map(label).collect()
}

/// `contoso` and `tenants/contoso` mean the same where only a tenant can be meant.
pub(crate) fn full_name(collection: &str, text: &str) -> String {
    if text.contains('/') { text.into() } else { format!("{collection}/{text}") }
}
