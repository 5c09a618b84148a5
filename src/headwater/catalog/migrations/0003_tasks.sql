-- The state of a job may also be `canceled`: somebody stopped it.
-- An organization's jobs, newest first, and those that have ended, oldest first.
CREATE INDEX jobs_by_organization ON jobs (organization_id, created_at) WHERE organization_id IS NOT NULL;
CREATE INDEX jobs_by_end ON jobs (updated_at) WHERE state IN ('completed', 'failed', 'canceled');
