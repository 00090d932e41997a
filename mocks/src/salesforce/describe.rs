//! `describe` and `describeGlobal`: the schema as clients read it.
//!
//! Source: REST API Developer Guide, "sObject Describe"; SOAP API Developer Guide, "DescribeSObjectResult".

use http::{Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Salesforce, error,
    rest::Call,
    schema::{
        CALCULATED, CREATE, DEFAULTED, EXTERNAL, Field, Kind, LOOKUP, NAME, NILLABLE, Object,
        ObjectType, RESTRICTED, UNIQUE, UPDATE,
    },
};
use crate::vendor::Answer;

impl Salesforce {
    /// `GET sobjects`
    pub(crate) fn describe_global(&self, call: &Call) -> Answer {
        self.unless_known(call, || {
            let objects: Vec<Value> = self
                .schema
                .objects
                .iter()
                .map(|kind| brief(call, kind))
                .collect();
            json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})
        })
    }

    /// `GET sobjects/<object>`
    pub(crate) fn describe_brief(&self, call: &Call, object: Object) -> Value {
        json!({"objectDescribe": brief(call, self.schema.get(object)), "recentItems": []})
    }

    /// `GET sobjects/<object>/describe`
    pub(crate) fn describe(&self, call: &Call, object: Object) -> Answer {
        let kind = self.schema.get(object);
        self.unless_known(call, || {
            let mut body = brief(call, kind);
            body["actionOverrides"] = json!([]);
            body["childRelationships"] = self.children(kind);
            body["compactLayoutable"] = json!(true);
            body["fields"] = kind
                .fields
                .iter()
                .map(|field| describe_field(kind, field))
                .collect();
            body["listviewable"] = Value::Null;
            body["lookupLayoutable"] = Value::Null;
            body["namedLayoutInfos"] = json!([]);
            body["networkScopeFieldName"] = Value::Null;
            body["recordTypeInfos"] = json!([]);
            body["searchLayoutable"] = json!(true);
            body["supportedScopes"] =
                json!([{"label": format!("All {}", kind.plural), "name": "everything"}]);
            body
        })
    }

    /// Answers 304 to who asked since the schema last changed, which it does when the organization is made.
    fn unless_known(&self, call: &Call, body: impl FnOnce() -> Value) -> Answer {
        const FORM: &str = "%a, %d %b %Y %H:%M:%S GMT";
        let since = call
            .headers
            .get(header::IF_MODIFIED_SINCE)
            .and_then(|value| value.to_str().ok());
        let since = since
            .and_then(|text| jiff::fmt::rfc2822::parse(text).ok())
            .map(|at| at.timestamp().as_millisecond());
        if call.method == Method::GET && since.is_some_and(|since| since >= self.founded) {
            return Answer::empty(StatusCode::NOT_MODIFIED);
        }
        let founded = Timestamp::from_millisecond(self.founded).unwrap_or_default();
        error::ok(StatusCode::OK, &body())
            .with_header(header::LAST_MODIFIED, &founded.strftime(FORM).to_string())
    }

    /// Which other objects refer to this one.
    fn children(&self, kind: &ObjectType) -> Value {
        let referring = self
            .schema
            .objects
            .iter()
            .flat_map(|child| child.fields.iter().map(move |field| (child, field)));
        referring
            .filter(|(_, field)| field.refers.is_some_and(|(target, _)| target == kind.name))
            .map(|(child, field)| {
                json!({
                    "cascadeDelete": false,
                    "childSObject": child.name,
                    "deprecatedAndHidden": false,
                    "field": field.name,
                    "junctionIdListNames": [],
                    "junctionReferenceTo": [],
                    "relationshipName": null,
                    "restrictedDelete": false,
                })
            })
            .collect()
    }
}

fn brief(call: &Call, kind: &ObjectType) -> Value {
    let base = format!("{}/sobjects/{}", call.root(), kind.name);
    let mut urls = json!({
        "sobject": base,
        "describe": format!("{base}/describe"),
        "rowTemplate": format!("{base}/{{ID}}"),
    });
    if kind.name == "User" {
        urls["passwordUtilities"] = json!(format!("{base}/{{ID}}/password"));
    }
    json!({
        "activateable": false,
        "associateEntityType": null,
        "associateParentEntity": null,
        "createable": kind.createable,
        "custom": false,
        "customSetting": false,
        "deepCloneable": false,
        "deletable": kind.deletable,
        "deprecatedAndHidden": false,
        "feedEnabled": kind.name == "User",
        "hasSubtypes": false,
        "isInterface": false,
        "isSubtype": false,
        "keyPrefix": kind.prefix,
        "label": kind.label,
        "labelPlural": kind.plural,
        "layoutable": kind.updateable,
        "mergeable": false,
        "mruEnabled": kind.name == "User",
        "name": kind.name,
        "queryable": true,
        "replicateable": true,
        "retrieveable": true,
        "searchable": false,
        "triggerable": kind.name == "User",
        "undeletable": false,
        "updateable": kind.updateable,
        "urls": urls,
    })
}

fn describe_field(kind: &ObjectType, field: &Field) -> Value {
    let compound = [
        "Street",
        "City",
        "State",
        "PostalCode",
        "Country",
        "Latitude",
        "Longitude",
        "GeocodeAccuracy",
    ];
    let compound =
        (kind.name == "User" && compound.contains(&field.name.as_ref())).then_some("Address");
    let choices: Vec<Value> = field
        .choices
        .iter()
        .map(|(value, label)| json!({"active": true, "defaultValue": false, "label": label, "validFor": null, "value": value}))
        .collect();
    let plain = matches!(field.kind, Kind::Address | Kind::TextArea);
    // In two parts: the macro has a depth it does not pass.
    let mut body = json!({
        "aggregatable": !matches!(field.kind, Kind::Boolean | Kind::Address),
        "aiPredictionField": false,
        "autoNumber": false,
        "byteLength": field.length * if matches!(field.kind, Kind::Id | Kind::Reference) { 1 } else { 3 },
        "calculated": false,
        "calculatedFormula": null,
        "cascadeDelete": false,
        "caseSensitive": false,
        "compoundFieldName": if field.has(CALCULATED) { None } else { compound },
        "controllerName": null,
        "createable": field.has(CREATE),
        "custom": field.is_custom(),
        "defaultValue": if field.kind == Kind::Boolean { json!(false) } else { Value::Null },
        "defaultValueFormula": null,
        "defaultedOnCreate": field.has(DEFAULTED),
        "dependentPicklist": false,
        "deprecatedAndHidden": false,
        "digits": if field.kind == Kind::Integer { 8 } else { 0 },
        "displayLocationInDecimal": false,
        "encrypted": false,
        "externalId": field.has(EXTERNAL),
        "extraTypeInfo": if field.kind == Kind::TextArea { json!("plaintextarea") } else { Value::Null },
        "filterable": field.kind != Kind::TextArea,
        "filteredLookupInfo": null,
        "formulaTreatNullNumberAsZero": false,
    });
    let rest = json!({
        "groupable": !plain && !matches!(field.kind, Kind::DateTime | Kind::Double),
        "highScaleNumber": false,
        "htmlFormatted": false,
        "idLookup": field.is_key(),
        "inlineHelpText": null,
        "label": field.label,
        "length": field.length,
        "mask": null,
        "maskType": null,
        "name": field.name,
        "nameField": field.has(NAME),
        "namePointing": false,
        "nillable": field.has(NILLABLE),
        "permissionable": field.is_custom(),
        "picklistValues": choices,
        "polymorphicForeignKey": field.name == "UserOrGroupId",
        "precision": if field.kind == Kind::Double { 18 } else { 0 },
        "queryByDistance": false,
        "referenceTargetField": null,
        "referenceTo": references(field),
        "relationshipName": field.refers.map(|(_, way)| way),
        "relationshipOrder": null,
        "restrictedDelete": false,
        "restrictedPicklist": field.has(RESTRICTED),
        "scale": if field.kind == Kind::Double { 15 } else { 0 },
        "searchPrefilterable": false,
        "soapType": field.kind.soap_word(),
        "sortable": !plain,
        "type": field.kind.word(),
        "unique": field.has(UNIQUE) && !field.has(LOOKUP) || field.has(EXTERNAL | UNIQUE) && field.is_custom(),
        "updateable": field.has(UPDATE),
        "writeRequiresMasterRead": false,
    });
    if let (Value::Object(body), Value::Object(rest)) = (&mut body, rest) {
        body.extend(rest);
    }
    body
}

fn references(field: &Field) -> Vec<&'static str> {
    match field.refers {
        Some(_) if field.name == "UserOrGroupId" => vec!["Group", "User"],
        Some((object, _)) => vec![object],
        None => Vec::new(),
    }
}
