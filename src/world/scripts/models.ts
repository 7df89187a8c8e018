/** Every host script that the sandbox models, by name. */
import { fileScripts } from './file.ts';
import { httpScripts } from './http.ts';
import type { ScriptModel } from './model.ts';
import { packageScripts } from './package.ts';
import { probeScripts } from './probes.ts';
import { postgresqlScripts } from './postgresql.ts';
import { serviceScripts } from './service.ts';
import { volumeScripts } from './volume.ts';

export const scriptModels: Readonly<Record<string, ScriptModel>> = {
  ...serviceScripts,
  ...packageScripts,
  ...fileScripts,
  ...volumeScripts,
  ...postgresqlScripts,
  ...httpScripts,
  ...probeScripts,
};
