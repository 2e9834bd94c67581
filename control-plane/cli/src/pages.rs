//! Lists, page by page, and short names.

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

/// `contoso` and `tenants/contoso` mean the same where only a tenant can be meant.
pub(crate) fn full_name(collection: &str, text: &str) -> String {
    if text.contains('/') { text.into() } else { format!("{collection}/{text}") }
}
