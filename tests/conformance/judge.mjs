// Compares the results of a run of the conformance suite with a baseline of expected failures.
//
//     node judge.mjs REQUIREMENTS BASELINE RESULTS
//
// A baseline is in the suite's own format: "  - SCENARIO" or "  - SCENARIO:CHECK", here always with
// the reason as a comment behind it. The exit code is 0 when the failures are exactly those.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const [requirements, baselinePath, results] = process.argv.slice(2);

/** Entries of the baseline and their reasons; what has no reason is a fault. */
function readBaseline(path) {
    const entries = new Map();
    const faults = [];
    for (const [index, line] of readFileSync(path, 'utf8').split('\n').entries()) {
        if (/^\s*(#.*)?$/.test(line) || /^server:( \[\])?$/.test(line)) continue;
        const match = /^\s+- ([a-z0-9-]+(?::[a-z0-9-]+)?)\s+# (.+)$/.exec(line);
        if (match) entries.set(match[1], match[2]);
        else faults.push(`${path} line ${index + 1} is no entry with a reason`);
    }
    return { entries, faults };
}

/** Checks by scenario; the name of a folder is server-SCENARIO-TIME. */
function readResults(folder) {
    const scenarios = new Map();
    for (const name of readdirSync(folder).sort()) {
        const match = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name);
        if (!match) continue;
        const path = join(folder, name, 'checks.json');
        const broken = { id: 'no-result', status: 'FAILURE', errorMessage: 'it came to no end' };
        const checks = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : [broken];
        scenarios.set(match[1], checks);
    }
    return scenarios;
}

const { entries, faults } = readBaseline(baselinePath);
const scenarios = readResults(results);
const used = new Set();
let passed = 0;
let failed = 0;
let excused = 0;

for (const [scenario, checks] of scenarios) {
    const unexpected = [];
    const expected = new Set();
    for (const check of checks.filter((check) => check.status === 'FAILURE')) {
        const names = [scenario, `${scenario}:${check.id}`].filter((name) => entries.has(name));
        names.forEach((name) => used.add(name));
        if (names.length) expected.add(entries.get(names[0]));
        else unexpected.push(`${scenario}:${check.id}: ${check.errorMessage}`);
    }
    const ran = checks.some((check) => ['SUCCESS', 'FAILURE'].includes(check.status));
    let verdict = ran ? 'ok' : 'ok (nothing of it applies)';
    if (unexpected.length) verdict = 'FAILED';
    else if (expected.size) verdict = `expected to fail: ${[...expected].join('; ')}`;
    if (unexpected.length) failed += 1;
    else if (expected.size) excused += 1;
    else passed += 1;
    console.log(`test ${requirements}/${scenario} ... ${verdict}`);
    unexpected.forEach((line) => console.log(`    ${line}`));
    for (const check of checks.filter((check) => check.status === 'WARNING')) {
        console.log(`    warning: ${check.id}: ${check.errorMessage}`);
    }
}

for (const entry of [...entries.keys()].filter((entry) => !used.has(entry))) {
    faults.push(`${baselinePath}: ${entry} does not fail; remove it`);
}
if (scenarios.size === 0) faults.push('no scenario has run');
faults.forEach((fault) => console.log(`error: ${fault}`));
failed += faults.length;
console.log(`\n${passed} passed, ${failed} failed, ${excused} expected to fail`);
process.exit(failed === 0 ? 0 : 1);
