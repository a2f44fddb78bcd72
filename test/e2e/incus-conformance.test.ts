import { describeConformance } from '../incus/conformance.ts';
import { subject } from './incus-subject.ts';

describeConformance('the real Incus', () => subject('ad-conformance'));
