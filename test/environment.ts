// Tests have the same environment wherever they run: guard looks different in a CI job and without colours.
for (const name of ['CI', 'GITHUB_ACTIONS', 'GITLAB_CI', 'NO_COLOR', 'FORCE_COLOR']) delete process.env[name];
