//! Addresses made from parts that came from outside: nothing in a part can leave its place.

use domain::{Failure, FailureKind, Remedy};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// Everything but the unreserved characters (RFC 3986, section 2.3): a blank is `%20`, which every server reads.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The same for a segment of a path, where an address keeps its `@` and `:` readable.
const SEGMENT: &AsciiSet = &RESERVED.remove(b'@').remove(b':');

/// Returns the address of one thing below a collection. The query of the collection's address is kept.
///
/// # Errors
/// `Rejected` for an id that is no path segment (empty, `.`, `..`): such an address would mean the collection itself.
pub(crate) fn below(collection: &Url, id: &str) -> Result<Url, Failure> {
    if matches!(id, "" | "." | "..") {
        return Err(Failure {
            kind: FailureKind::Rejected,
            remedy: Remedy::GiveUp,
            status: None,
            told: format!("`{id}` cannot be an id at the target"),
            advice: "Look at the link: its remote id is not one that an address can hold."
                .to_owned(),
        });
    }
    // Encoded here and not by `url`, which leaves out line breaks and tabs: then `.\t.` would be the folder above.
    let segment = utf8_percent_encode(id, SEGMENT);
    let mut url = collection.clone();
    url.set_path(&format!(
        "{}/{segment}",
        collection.path().trim_end_matches('/')
    ));
    Ok(url)
}

/// Returns the address of something that stands beside the last part of an endpoint.
pub(crate) fn beside(endpoint: &Url, name: &str) -> Url {
    let mut url = endpoint.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().pop().push(name);
    }
    url
}

/// Returns the address with further query parameters.
pub(crate) fn asking(address: &Url, parameters: &[(&str, &str)]) -> Url {
    let mut url = address.clone();
    let mut query = url.query().map(str::to_owned).unwrap_or_default();
    for (name, value) in parameters {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        query.extend(utf8_percent_encode(value, RESERVED));
    }
    url.set_query(Some(&query));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Url {
        Url::parse("https://scim.example/v2/Users/").unwrap()
    }

    #[test]
    fn an_id_stays_one_segment_whatever_it_holds() {
        for (id, path) in [
            ("42", "/v2/Users/42"),
            ("a/b", "/v2/Users/a%2Fb"),
            ("kim@acme.example", "/v2/Users/kim@acme.example"),
            ("a?b#c", "/v2/Users/a%3Fb%23c"),
            ("%2e%2e", "/v2/Users/%252e%252e"),
            (".\t.", "/v2/Users/.%09."),
            ("\r\nX: y", "/v2/Users/%0D%0AX:%20y"),
            ("🙂\"", "/v2/Users/%F0%9F%99%82%22"),
        ] {
            assert_eq!(below(&users(), id).unwrap().path(), path, "{id}");
        }
    }

    #[test]
    fn an_id_that_would_mean_the_collection_is_refused() {
        for id in ["", ".", ".."] {
            assert!(below(&users(), id).is_err(), "{id}");
        }
    }

    #[test]
    fn a_filter_is_percent_encoded_and_keeps_the_endpoints_own_query() {
        let endpoint = Url::parse("https://scim.example/Users?tenant=7").unwrap();
        let url = asking(&endpoint, &[("filter", "userName eq \"k i+m\"")]);
        assert_eq!(
            url.query(),
            Some("tenant=7&filter=userName%20eq%20%22k%20i%2Bm%22")
        );
        assert_eq!(
            beside(&users(), "ServiceProviderConfig").path(),
            "/v2/ServiceProviderConfig"
        );
    }
}
