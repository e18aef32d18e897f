// What a job that extends a template is made of: its before_script, to be run by a shell, and the variables that are set in it.
//
//     node gitlab-job.mjs YAML FILE TEMPLATE script | variables | wrong      `wrong`: what is wrong with the file's shape, one line each
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [yaml, file, template, what] = process.argv.slice(2);
const { parse } = createRequire(join(yaml, 'x.js'))('yaml');
const jobs = parse(readFileSync(file, 'utf8'));
const { extends: base, ...own } = jobs[template];
const job = { ...(base && jobs[base]), ...own };

// The keys that GitLab knows of a job and of a cache, as far as a template may have them.
const JOB = ['variables', 'cache', 'rules', 'before_script', 'script', 'extends'];
const CACHE = ['key', 'fallback_keys', 'paths', 'policy', 'unprotect'];
function* wrong() {
	for (const [name, one] of Object.entries(jobs)) {
		if (!name.startsWith('.')) yield `${name} is a job, and no template`;
		for (const key of Object.keys(one)) if (!JOB.includes(key)) yield `${name} has ${key}`;
		for (const cache of one.cache) {
			for (const key of Object.keys(cache)) if (!CACHE.includes(key)) yield `a cache of ${name} has ${key}`;
			if ((cache.key.files ?? []).length > 2) yield `a key of ${name} has more than two files`;
			for (const key of [cache.key.prefix ?? cache.key, ...(cache.fallback_keys ?? [])]) if (!/^[\w-]+$/.test(key)) yield `${key} is no key`;
			for (const path of cache.paths) if (path.startsWith('/') || path.includes('..')) yield `${path} is outside of the project`;
		}
	}
}
const answers = {
	script: () => job.before_script.join('\n'),
	variables: () => Object.entries(job.variables).map(([name, value]) => `${name}=${value}`).join('\n'),
	wrong: () => [...wrong()].join('\n')
};
console.log(answers[what]());
