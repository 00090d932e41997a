//! One mock of the lab and the server in front of it, which comes and goes.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::json;

use super::{Control, Ready, credentials};
use crate::{
    Mock, Server, StartError, Vendor,
    google::Google,
    quota::{Counted, Limit, Quota, Rate, Sharing},
    salesforce::Salesforce,
    scim2::Scim2,
};

/// What the lab wants of a vendor beside its answers.
pub(super) trait Station: Vendor {
    /// Writes the credentials and tells how to reach the server.
    fn ready(server: &Server<Self>, directory: &Path) -> Result<Ready, StartError>;

    /// Takes over the counting of a day's calls; `false` when the server has to count.
    fn limit_day(&mut self, _calls: u64) -> bool {
        false
    }

    /// Returns the limits that belong to the vendor's personality.
    fn published_quota(&self) -> Quota {
        Quota::none()
    }
}

#[derive(Debug)]
pub(super) struct Stand<V: Vendor> {
    mock: Mock<V>,
    place: Mutex<Place<V>>,
}

#[derive(Debug)]
struct Place<V: Vendor> {
    /// Where to listen; after the first start the address that was had.
    listen: SocketAddr,
    server: Option<Server<V>>,
}

impl<V: Station> Stand<V> {
    pub(super) fn new(mock: Mock<V>, listen: SocketAddr) -> Self {
        Self {
            mock,
            place: Mutex::new(Place {
                listen,
                server: None,
            }),
        }
    }

    pub(super) fn mock(&self) -> &Mock<V> {
        &self.mock
    }

    fn place(&self) -> MutexGuard<'_, Place<V>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn url(&self) -> Option<String> {
        self.place().server.as_ref().map(Server::url)
    }

    pub(super) async fn start(&self, expose: bool) -> Result<String, StartError> {
        if let Some(url) = self.url() {
            return Ok(url);
        }
        let listen = self.place().listen;
        let server = self.mock.serve(listen, expose).await?;
        let mut place = self.place();
        // Somebody else may have started it meanwhile; theirs is as good, and ours goes.
        let server = place.server.get_or_insert(server);
        let (url, address) = (server.url(), server.address());
        place.listen = address;
        Ok(url)
    }

    pub(super) async fn stop(&self) {
        let server = self.place().server.take();
        if let Some(server) = server {
            server.shutdown().await;
        }
    }

    pub(super) fn fork(&self) -> Self {
        Self::new(self.mock.fork(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    pub(super) fn ready(&self, directory: &Path) -> Result<Option<Ready>, StartError> {
        self.place()
            .server
            .as_ref()
            .map(|server| V::ready(server, directory))
            .transpose()
    }
}

fn control<V: Vendor>(server: &Server<V>) -> Control {
    Control {
        url: format!("{}{}", server.base_url(), crate::server::CONTROL_PREFIX),
        authorization: format!("Bearer {}", server.control_token()),
    }
}

impl Station for Google {
    fn ready(server: &Server<Self>, directory: &Path) -> Result<Ready, StartError> {
        let key = server.with_vendor(|google| google.service_account_json(&server.base_url()));
        let credentials = credentials::write_json(directory, "google-service-account.json", &key)?;
        Ok(server.with_vendor(|google| Ready::Google {
            url: server.url(),
            credentials,
            subject: google.subject(),
            domain: google.domain().to_owned(),
            random_seed: server.random_seed(),
            control: control(server),
        }))
    }
}

impl Station for Salesforce {
    fn ready(server: &Server<Self>, directory: &Path) -> Result<Ready, StartError> {
        let key = credentials::write(
            directory,
            "salesforce-jwt.pem",
            Salesforce::private_key_pem().as_bytes(),
        )?;
        let mut known = server.with_vendor(|salesforce| salesforce.credentials(&server.base_url()));
        // Whole, so that it is found from any folder.
        let key = std::path::absolute(&key).unwrap_or(key);
        known["private_key_file"] = json!(key);
        let credentials = credentials::write_json(directory, "salesforce.json", &known)?;
        Ok(Ready::Salesforce {
            url: server.url(),
            credentials,
            random_seed: server.random_seed(),
            control: control(server),
        })
    }

    /// It tells of the calls in every answer, so it counts them itself.
    fn limit_day(&mut self, calls: u64) -> bool {
        self.set_daily_limit(calls);
        true
    }
}

impl Station for Scim2 {
    fn ready(server: &Server<Self>, directory: &Path) -> Result<Ready, StartError> {
        let known = server.with_vendor(|scim2| scim2.credentials().clone());
        let all = json!({
            "url": server.url(),
            "bearer_token": known.bearer_token,
            "user_name": known.user_name,
            "password": known.password,
            "api_key_header": known.api_key_header,
            "api_key": known.api_key,
            "client_id": known.client_id,
            "client_secret": known.client_secret,
            "token_url": server.with_vendor(|scim2| scim2.token_url(&server.base_url())),
        });
        let credentials = credentials::write_json(directory, "scim2.json", &all)?;
        let authorization = server.authorization();
        Ok(Ready::Scim2 {
            url: server.url(),
            authorization,
            credentials,
            random_seed: server.random_seed(),
            control: control(server),
        })
    }

    /// A personality that publishes rates is one that counts them.
    fn published_quota(&self) -> Quota {
        let limit = |quota: &crate::scim2::PublishedQuota| {
            let rate = Rate::new(
                quota.requests,
                std::time::Duration::from_secs(quota.seconds.into()),
            );
            let counts = quota.counts.iter().map(|counted| match counted.as_str() {
                "read" => Counted::Kind(crate::Kind::Read),
                "write" => Counted::Kind(crate::Kind::Write),
                operation => Counted::Operation(operation.to_owned()),
            });
            Limit {
                counts: counts.collect(),
                sharing: Sharing::Account,
                rate: quota.burst.map_or(rate, |burst| rate.with_burst(burst)),
            }
        };
        Quota {
            limits: self.personality().quota.iter().map(limit).collect(),
            ..Quota::none()
        }
    }
}
