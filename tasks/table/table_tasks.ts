import { CIFAR_RUNS, FINETUNE_RUNS, IMAGENET_RUNS } from "./table_runs.ts";
import type { TableTask } from "./table_task.ts";

/** The tasks that train runs of tables, by the names that a row's file gives them. */
export const TASK_NAMES = ["cifar", "imagenet", "finetune"] as const;

/** The name of such a task. */
export type TaskName = typeof TASK_NAMES[number];

/** The tasks. */
export const TABLE_TASKS: Readonly<Record<TaskName, TableTask>> = {
  cifar: CIFAR_RUNS,
  imagenet: IMAGENET_RUNS,
  finetune: FINETUNE_RUNS,
};
