import { ok, type Result } from '../../result.ts';
import type { PlatformFailure } from '../failure.ts';
import type { Fleet, InstanceFacts } from '../fleet.ts';
import { call, type Incus } from './http/client.ts';
import { listOf, objectOf, textOf, textsOf } from './http/json.ts';

/** The server of an open connection. */
export function openFleet(incus: Incus): Fleet {
  return {
    listInstances: () => listFacts(incus),
    listProjects: async () => {
      const reply = await call(incus, { method: 'GET', path: ['projects'], purpose: 'list the projects' });
      if (!reply.ok) return reply;
      return ok(listOf(reply.value.metadata).map((path) => decodeURIComponent(textOf(path).split('/').at(-1) ?? '')));
    },
    readProjectNote: async (name) => {
      const project = await readProject(incus);
      if (!project.ok) return project;
      return ok({ text: project.value.config[keyOf(name)] ?? null, revision: project.value.etag });
    },
    writeProjectNote: async (name, text, revision) => {
      const key = keyOf(name);
      const purpose = `write the key ${key} of the project ${incus.project}`;
      const project = await readProject(incus);
      if (!project.ok) return project;
      const { [key]: _before, ...others } = project.value.config;
      // Incus replaces a project's configuration as a whole: for the default project also a PATCH has to name all of it.
      const body = {
        description: project.value.description,
        config: text === null ? others : { ...others, [key]: text },
      };
      const path = ['projects', incus.project];
      const reply = await call(incus, { method: 'PUT', path, body, etag: revision, purpose });
      return reply.ok ? ok(undefined) : reply;
    },
  };
}

/** guard's notes are keys of the project's configuration: a restore of an instance does not take them back. */
function keyOf(name: string): string {
  return `user.guard.${name}`;
}

async function listFacts(incus: Incus): Promise<Result<InstanceFacts[], PlatformFailure>> {
  const query = { recursion: '1' };
  const reply = await call(incus, { method: 'GET', path: ['instances'], query, purpose: 'list the instances' });
  if (!reply.ok) return reply;
  return ok(listOf(reply.value.metadata).map((json) => factsOf(objectOf(json), incus.project)));
}

function factsOf(instance: Readonly<Record<string, unknown>>, project: string): InstanceFacts {
  return {
    name: textOf(instance['name']),
    project: textOf(instance['project']) || project,
    status: textOf(instance['status']),
    type: instance['type'] === 'virtual-machine' ? 'virtual-machine' : 'container',
    architecture: textOf(instance['architecture']),
    location: textOf(instance['location']),
    expandedConfig: textsOf(instance['expanded_config']),
  };
}

interface Project {
  readonly config: Readonly<Record<string, string>>;
  readonly description: string;
  readonly etag: string;
}

async function readProject(incus: Incus): Promise<Result<Project, PlatformFailure>> {
  const path = ['projects', incus.project];
  const reply = await call(incus, { method: 'GET', path, purpose: `read the project ${incus.project}` });
  if (!reply.ok) return reply;
  const project = objectOf(reply.value.metadata);
  return ok({
    config: textsOf(project['config']),
    description: textOf(project['description']),
    etag: reply.value.etag,
  });
}
