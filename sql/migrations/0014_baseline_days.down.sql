drop table beacon.operation_baseline_days;
