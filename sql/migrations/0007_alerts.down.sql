drop table beacon.alert_deliveries;

drop table beacon.alerts;

drop table beacon.alert_rules;

drop table beacon.alert_targets;
