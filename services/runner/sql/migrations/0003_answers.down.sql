-- Everything the way up made, in reverse.
drop table runner.receipts;

alter table runner.executions drop column question_id;
