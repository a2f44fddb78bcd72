import { defaultsOf } from './setting.ts';
import { settingTable, type Settings } from './settings.ts';

/** The default settings without a terminal. */
export const defaultSettings: Settings = defaultsOf(settingTable);

/** The default settings at a terminal. */
export const attendedSettings: Settings = {
  ...defaultSettings,
  ...Object.fromEntries(
    Object.entries(settingTable).flatMap(([name, row]) => ('attended' in row ? [[name, row.attended]] : [])),
  ),
};
