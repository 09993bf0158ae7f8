-- Team A is the manager's, the member's and nobody's; team B the outsider's.
insert into template_library (key, channel, locale, name, body) values ('welcome', 'sms', 'en', 'Welcome', 'Hi');
insert into teams (id, name) values
    ('00000000-0000-4000-8001-000000000001', 'A'), ('00000000-0000-4000-8001-000000000002', 'B'), ('00000000-0000-4000-8001-000000000003', 'Empty');
insert into team_members (team_id, user_id) values
    ('00000000-0000-4000-8001-000000000001', '00000000-0000-4000-8000-00000000000b'),
    ('00000000-0000-4000-8001-000000000001', '00000000-0000-4000-8000-00000000000c'),
    ('00000000-0000-4000-8001-000000000001', '00000000-0000-4000-8000-00000000000f'),
    ('00000000-0000-4000-8001-000000000002', '00000000-0000-4000-8000-00000000000d');
insert into user_quotas (user_id, monthly_sms_limit) values ('00000000-0000-4000-8000-00000000000c', 5);
insert into user_preferences (user_id) values ('00000000-0000-4000-8000-00000000000c');
insert into opt_out_texts (locale, keyword, sms_notice, email_notice) values ('en', 'STOP', 's', 'e'), ('xx', 'STOP', 's', 'e');
insert into sending_rules (sender_name, vertical, locale, quiet_start, quiet_end) values ('A', 'general', 'en', '00:00', '00:00');
insert into contacts (id, team_id, first_name, phone, sms_consent) values
    ('00000000-0000-4000-8002-000000000001', '00000000-0000-4000-8001-000000000001', 'a', '+12025550101', 'opted_in'),
    ('00000000-0000-4000-8002-000000000002', '00000000-0000-4000-8001-000000000002', 'b', '+12025550102', 'opted_in'),
    ('00000000-0000-4000-8002-000000000003', '00000000-0000-4000-8001-000000000001', 'c', '+12025550103', 'opted_out');
insert into tags (id, team_id, name) values
    ('00000000-0000-4000-8003-000000000001', '00000000-0000-4000-8001-000000000001', 'a'),
    ('00000000-0000-4000-8003-000000000002', '00000000-0000-4000-8001-000000000002', 'b');
insert into contact_tags (team_id, contact_id, tag_id) values
    ('00000000-0000-4000-8001-000000000001', '00000000-0000-4000-8002-000000000001', '00000000-0000-4000-8003-000000000001');
insert into campaigns (id, team_id, name, channel, opt_out_locale, status, body) values
    ('00000000-0000-4000-8004-000000000001', '00000000-0000-4000-8001-000000000001', 'a', 'sms', 'en', 'draft', ''),
    ('00000000-0000-4000-8004-000000000002', '00000000-0000-4000-8001-000000000002', 'b', 'sms', 'en', 'draft', ''),
    ('00000000-0000-4000-8004-000000000003', '00000000-0000-4000-8001-000000000001', 'c', 'sms', 'en', 'running', 'x');
insert into messages (id, team_id, campaign_id, contact_id, channel, body, status) values
    ('00000000-0000-4000-8005-000000000001', '00000000-0000-4000-8001-000000000001', '00000000-0000-4000-8004-000000000003', '00000000-0000-4000-8002-000000000001', 'sms', 'x', 'sent'),
    ('00000000-0000-4000-8005-000000000002', '00000000-0000-4000-8001-000000000002', null, '00000000-0000-4000-8002-000000000002', 'sms', 'x', 'queued');
insert into webhooks (id, name, url, events, signing_secret) values
    ('00000000-0000-4000-8006-000000000001', 'a', 'https://example.com/hook', '{message.sent}', 'a..b.c.d');
insert into webhook_deliveries (webhook_id, event) values ('00000000-0000-4000-8006-000000000001', 'message.sent');
insert into api_keys (id, name, prefix, key_hash, scopes) values
    ('00000000-0000-4000-8007-000000000001', 'a', 'gk_abcd', sha256('secret'), '{contacts.read}');
insert into retention_jobs (name, description) values ('messages', 'x');
insert into message_templates (id, team_id, key, channel, locale, name, body) values ('00000000-0000-4000-8009-000000000002', '00000000-0000-4000-8001-000000000002', 'own', 'sms', 'en', 'b', 'x');
