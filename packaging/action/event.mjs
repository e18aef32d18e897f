// Who has started this job, and whether what it fetches may be saved for others.
//
// What comes from a cache is compared with the lockfile's digests, so the worst that a poisoned entry does is to be of no use. But then it stands where a good one would. So
// nothing is saved where outsiders' code may run.
import { readFileSync } from 'node:fs';

// Started only by those who may write to the repository. merge_group holds what they have queued.
const BY_WRITERS = new Set(['push', 'schedule', 'workflow_dispatch', 'repository_dispatch', 'merge_group', 'release', 'create', 'delete', 'registry_package', 'page_build']);
const DEPENDABOT = 'dependabot[bot]';

/** Why outsiders' code may run here; '' if it cannot, and undefined if the event's name does not tell. */
function outsiders(env, event) {
	const name = env.GITHUB_EVENT_NAME;
	// A push or a pull request of its own: it changes lockfiles to what nobody has looked at, and has a token that only reads.
	if (env.GITHUB_ACTOR === DEPENDABOT || event?.pull_request?.user?.login === DEPENDABOT) return 'Dependabot started it';
	if (name === 'pull_request_target') return 'pull_request_target runs with the code of forks in reach';
	if (name === 'pull_request') return isForeign(env, event?.pull_request?.head?.repo) ? 'the pull request is of a fork' : '';
	if (name === 'workflow_run') {
		const before = event?.workflow_run;
		if (isForeign(env, before?.head_repository)) return 'it follows the workflow of a fork';
		if (before.event === 'pull_request_target') return 'it follows pull_request_target';
		if (before.actor?.login === DEPENDABOT) return 'it follows a workflow that Dependabot started';
		return '';
	}
	return BY_WRITERS.has(name) ? '' : undefined;
}

// A fork that was deleted has no repository any more.
const isForeign = (env, repository) => !repository?.full_name || repository.full_name !== env.GITHUB_REPOSITORY;

function readEvent(env) {
	try {
		return JSON.parse(readFileSync(env.GITHUB_EVENT_PATH, 'utf8'));
	} catch {
		return undefined;
	}
}

/** Why nothing is saved, or '' if it is. `readOnly` is the input: auto, true or false. */
export function whyReadOnly(env, readOnly) {
	if (readOnly === 'true') return 'read-only is true';
	const why = outsiders(env, readEvent(env));
	if (why === undefined) return readOnly === 'false' ? '' : `anybody may start a job with ${env.GITHUB_EVENT_NAME || 'an event without a name'}`;
	return why;
}
