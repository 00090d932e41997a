//! The running mocks behind the port that the screen knows them by.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use domain::{LabArmed, LabChange, LabEntry, LabError, LabFault, LabFeed, LabMock, LabObject};
use mocks::fault::{Fault, FaultSpec};
use mocks::{Lab, Target};

/// The mocks of this process.
#[derive(Debug)]
pub struct MockLab {
    lab: Arc<Lab>,
    /// Those whose port another process had when they should have been started.
    elsewhere: Mutex<BTreeMap<Target, SocketAddr>>,
}

fn target(name: &str) -> Result<Target, LabError> {
    name.parse()
        .map_err(|error: mocks::UnknownTarget| LabError::new(error.to_string()))
}

impl MockLab {
    /// Lets mocks be seen and steered; those elsewhere run in another process.
    pub fn new(lab: Arc<Lab>, elsewhere: BTreeMap<Target, SocketAddr>) -> Self {
        Self {
            lab,
            elsewhere: Mutex::new(elsewhere),
        }
    }

    fn away(&self, target: Target) -> Option<SocketAddr> {
        let away = self.elsewhere.lock();
        let away = away.unwrap_or_else(PoisonError::into_inner);
        away.get(&target).copied()
    }

    /// Reads the name of a mock that runs here, or could.
    fn here(&self, name: &str) -> Result<Target, LabError> {
        let target = target(name)?;
        match self.away(target) {
            None => Ok(target),
            Some(address) => Err(LabError::new(format!(
                "the {target} mock at {address} belongs to another process: steer it there, or with `outbound mock \
                 arm|disarm|objects|log|reset {target}`"
            ))),
        }
    }

    /// Says what a client needs to be let in, in the words of a connector's form. The mocks' credentials are the same
    /// everywhere, and no secret.
    fn access(&self, target: Target) -> Option<String> {
        let url = self.lab.url(target)?;
        let known = |value: &serde_json::Value, key: &str| {
            value[key].as_str().unwrap_or_default().to_owned()
        };
        let settings = match target {
            Target::Scim2 => {
                let scim2 = self.lab.scim2();
                let token = scim2.with_vendor(|vendor| vendor.credentials().bearer_token.clone());
                vec![
                    ("user_endpoint", format!("{url}/Users")),
                    ("group_endpoint", format!("{url}/Groups")),
                    ("authentication_mode", "bearer".to_owned()),
                    ("access_token", token),
                ]
            }
            Target::Google => {
                let google = self.lab.google();
                let (domain, admin, key) = google.with_vendor(|vendor| {
                    let key = vendor.service_account_json(&url);
                    (vendor.domain().to_owned(), vendor.subject(), key)
                });
                vec![
                    ("base_url", url.clone()),
                    ("token_endpoint", known(&key, "token_uri")),
                    ("google_domain", domain),
                    ("service_account_email", known(&key, "client_email")),
                    ("administrators_email", admin),
                    // Written there when the workbench starts, unless something is.
                    ("private_key", format!("file:{}", crate::mock_keys::USUAL)),
                ]
            }
            Target::Salesforce => {
                let salesforce = self.lab.salesforce();
                let (all, profile) = salesforce
                    .with_vendor(|vendor| (vendor.credentials(&url), vendor.standard_profile()));
                let password = known(&all, "password") + &known(&all, "security_token");
                let mut settings = vec![
                    ("domain_name", url.clone()),
                    ("token_endpoint", format!("{url}/services/oauth2/token")),
                    ("client_id", known(&all, "consumer_key")),
                    ("client_secret", known(&all, "consumer_secret")),
                    ("username", known(&all, "username")),
                    ("password", password),
                ];
                // No setting but a mapping, without which nobody is created; the form of a new connector asks for it.
                settings.extend(profile.map(|id| ("ProfileId", id)));
                settings
            }
        };
        let kind = connectors::CATALOGUE.find(target.name());
        let told = settings.into_iter().map(|(key, value)| {
            let field = kind.and_then(|kind| kind.field(key));
            format!("{}: {value}", field.map_or(key, |field| field.label))
        });
        Some(told.collect::<Vec<_>>().join(" · "))
    }
}

fn failed(error: &impl std::fmt::Display) -> LabError {
    LabError::new(error.to_string())
}

/// Says why a mock does not start: what was tried, and what the system said.
fn told(error: &mocks::StartError) -> LabError {
    let mut text = error.to_string();
    if let Some(cause) = std::error::Error::source(error) {
        text.push_str(&format!(": {cause}"));
    }
    LabError::new(text)
}

#[async_trait]
impl domain::Lab for MockLab {
    fn mocks(&self) -> Vec<LabMock> {
        Target::ALL
            .into_iter()
            .map(|target| {
                let mock = self.lab.mock(target);
                let objects = mock.objects();
                let count = |kind: &str| objects.iter().filter(|held| held.object == kind).count();
                LabMock {
                    target: target.name().to_owned(),
                    url: self.lab.url(target),
                    elsewhere: self.away(target).map(|address| address.to_string()),
                    access: self.access(target),
                    personality: (target == Target::Scim2).then(|| {
                        let scim2 = self.lab.scim2();
                        scim2.with_vendor(|vendor| vendor.personality().name.clone())
                    }),
                    personalities: if target == Target::Scim2 {
                        let known = mocks::scim2::Personality::ALL.iter();
                        known.map(|name| (*name).to_owned()).collect()
                    } else {
                        Vec::new()
                    },
                    snapshots: mock.snapshots(),
                    armed: mock
                        .armed()
                        .into_iter()
                        .map(|armed| LabArmed {
                            number: armed.id,
                            spec: armed.spec.to_string(),
                            hits: armed.acted,
                            left: armed.remaining,
                        })
                        .collect(),
                    requests: mock.log().last().map_or(0, |entry| entry.number),
                    users: count("User"),
                    groups: count("Group"),
                }
            })
            .collect()
    }

    async fn start(&self, name: &str) -> Result<String, LabError> {
        let target = target(name)?;
        let url = self.lab.start(target).await.map_err(|error| told(&error))?;
        let away = self.elsewhere.lock();
        away.unwrap_or_else(PoisonError::into_inner).remove(&target);
        Ok(url)
    }

    async fn stop(&self, name: &str) -> Result<(), LabError> {
        self.lab.stop(self.here(name)?).await;
        Ok(())
    }

    fn faults(&self) -> Vec<LabFault> {
        Fault::ALL
            .iter()
            .map(|row| LabFault {
                name: row.name.to_owned(),
                sentence: row.sentence.to_owned(),
                effect: row.effect.to_owned(),
                parameters: row
                    .parameters
                    .iter()
                    .chain(
                        mocks::fault::SETTINGS
                            .iter()
                            .filter(|(name, _)| *name != "target"),
                    )
                    .map(|(name, meaning)| ((*name).to_owned(), (*meaning).to_owned()))
                    .collect(),
            })
            .collect()
    }

    fn arm(&self, name: &str, spec: &str) -> Result<u64, LabError> {
        let target = self.here(name)?;
        let mock = self.lab.mock(target);
        mock.arm(spec).map_err(|error| {
            // Everything that is wrong is said at once, each at its setting.
            let others = FaultSpec::mistakes(spec, target).into_iter();
            let others = others.filter(|other| other.setting() != error.setting());
            LabError {
                told: error.to_string(),
                setting: error.setting().map(str::to_owned),
                more: others
                    .filter_map(|other| Some((other.setting()?.to_owned(), other.to_string())))
                    .collect(),
            }
        })
    }

    fn disarm(&self, name: &str, number: Option<u64>) -> Result<usize, LabError> {
        let mock = self.lab.mock(self.here(name)?);
        match number {
            None => Ok(mock.disarm_all()),
            Some(number) => mock
                .disarm(number)
                .map(|_| 1)
                .ok_or_else(|| LabError::new(format!("no fault is armed under {number}"))),
        }
    }

    fn objects(&self, name: &str) -> Result<Vec<LabObject>, LabError> {
        let held = self.lab.mock(self.here(name)?).objects();
        Ok(held
            .into_iter()
            .map(|object| LabObject {
                object: object.object.to_owned(),
                id: object.id,
                name: object.name,
                content: object.content,
            })
            .collect())
    }

    fn log(&self, name: &str, after: u64) -> Result<Vec<Arc<LabEntry>>, LabError> {
        let log = self.lab.mock(self.here(name)?).log_after(after);
        Ok(log.iter().map(|entry| Arc::new(entry_of(entry))).collect())
    }

    fn follow(&self) -> Box<dyn LabFeed> {
        Box::new(Following(self.lab.subscribe()))
    }

    fn reset(&self, name: &str) -> Result<(), LabError> {
        self.lab.mock(self.here(name)?).reset();
        Ok(())
    }

    fn wear(&self, name: &str, personality: &str) -> Result<(), LabError> {
        if self.here(name)? != Target::Scim2 {
            return Err(LabError::new(format!(
                "{name} has one vendor's manners only"
            )));
        }
        let worn = mocks::standalone::personality(personality).map_err(|error| failed(&error))?;
        self.lab.wear(&worn);
        Ok(())
    }

    fn snapshot(&self, name: &str, under: &str) -> Result<(), LabError> {
        self.lab.mock(self.here(name)?).snapshot(under);
        Ok(())
    }

    fn restore(&self, name: &str, under: &str) -> Result<(), LabError> {
        let mock = self.lab.mock(self.here(name)?);
        mock.restore(under).map_err(|error| failed(&error))
    }
}

struct Following(mocks::lab::LabFeed);

#[async_trait]
impl LabFeed for Following {
    async fn next(&mut self) -> Option<Arc<LabEntry>> {
        self.0.next().await.map(|entry| Arc::new(entry_of(&entry)))
    }
}

fn entry_of(entry: &mocks::log::Entry) -> LabEntry {
    LabEntry {
        target: entry.mock.to_owned(),
        number: entry.number,
        at: entry.at,
        operation: entry.operation.to_owned(),
        method: entry.method.clone(),
        path: entry.path.clone(),
        status: entry.status,
        answered: entry.answered,
        faults: entry
            .faults
            .iter()
            .map(|fault| fault.name().to_owned())
            .collect(),
        changes: entry
            .changes
            .iter()
            .map(|change| LabChange {
                object: change.object.to_owned(),
                id: change.id.clone(),
                name: change.name.clone(),
                field: change.field.clone(),
                before: change.before.clone(),
                after: change.after.clone(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use domain::Lab as _;

    use super::*;

    #[test]
    fn a_mock_that_is_put_back_is_told_from_one_that_is_asked() {
        let lab = MockLab::new(Arc::new(Lab::builder().build().unwrap()), BTreeMap::new());
        lab.snapshot("scim2", "before").unwrap();
        lab.reset("scim2").unwrap();
        lab.restore("scim2", "before").unwrap();
        let noted = lab.log("scim2", 0).unwrap();
        assert_eq!(noted.len(), 2);
        assert!(noted.iter().all(|entry| entry.is_put_back()), "{noted:?}");
    }
}
