// One step of the action, by name. The environment is read here and in what it is given to.
import { Failure, say, warnOnStdout } from './runner.mjs';
import { install } from './install.mjs';
import { plan } from './plan.mjs';
import { fetch } from './fetch.mjs';
import { summary } from './summary.mjs';

const steps = { install, plan, fetch, summary };
const step = steps[process.argv[2]];
if (!step) {
	say(`usage: action.sh (${Object.keys(steps).join(' | ')})`);
	process.exit(2);
}
try {
	step(process.env);
} catch (error) {
	if (!(error instanceof Failure)) throw error;
	warnOnStdout('error', error.message);
	process.exitCode = error.code;
}
