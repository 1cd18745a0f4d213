/**
 * Pupil: attention transfer and knowledge distillation for convolutional networks, trained on WebGPU from Deno.
 *
 * A script opens a {@link Gpu}, makes a network with {@link wideResNet}, a data set with {@link shapes} or
 * {@link openCifar}, and trains with {@link fit}; or it builds its own network and loss from the ops, records a step as
 * a {@link Program}, and takes {@link gradients}.
 *
 * @module
 */

// The device, tensors and programs.
export { type AdapterDescription, describeAdapter, requestAdapter } from "./lib/gpu/adapter.ts";
export * from "./lib/gpu/arena.ts";
export * from "./lib/gpu/ceilings.ts";
export type { BoundDispatch, BoundTexels } from "./lib/gpu/compiler.ts";
export * from "./lib/gpu/device.ts";
export * from "./lib/gpu/dtype.ts";
export * from "./lib/gpu/errors.ts";
export * from "./lib/gpu/fuse.ts";
export * from "./lib/gpu/kernel.ts";
export * from "./lib/gpu/layout.ts";
export * from "./lib/gpu/load_times.ts";
export * from "./lib/gpu/passes.ts";
export * from "./lib/gpu/peak.ts";
export * from "./lib/gpu/plan.ts";
export * from "./lib/gpu/profiler.ts";
export * from "./lib/gpu/program.ts";
export { readsTexels } from "./lib/gpu/reads_texels.ts";
export * from "./lib/gpu/step_values.ts";
export * from "./lib/gpu/storage.ts";
export * from "./lib/gpu/summary.ts";
export * from "./lib/gpu/tensor.ts";
export type { TexelCopy, TexelReads, TexelSpan } from "./lib/gpu/texel_plan.ts";
export type { TexelType } from "./lib/gpu/texels.ts";
export * from "./lib/gpu/timer.ts";
export * from "./lib/gpu/trial.ts";
export * from "./lib/gpu/trial_check.ts";
export * from "./lib/gpu/tuner.ts";
export * from "./lib/gpu/tuning.ts";

// Automatic differentiation.
export * from "./lib/gradients.ts";
export * from "./lib/tape.ts";

// Operations.
export * from "./lib/ops/accumulate.ts";
export * from "./lib/ops/activation_map.ts";
export * from "./lib/ops/add.ts";
export * from "./lib/ops/attention_loss.ts";
export * from "./lib/ops/attention_map.ts";
export * from "./lib/ops/augment.ts";
export * from "./lib/ops/avg_pool2d.ts";
export * from "./lib/ops/batch_norm.ts";
export * from "./lib/ops/broadcast.ts";
export * from "./lib/ops/cast.ts";
export * from "./lib/ops/conv2d.ts";
export * from "./lib/ops/copy.ts";
export * from "./lib/ops/cross_entropy.ts";
export * from "./lib/ops/distillation.ts";
export * from "./lib/ops/flip.ts";
export * from "./lib/ops/fold_batch_norm.ts";
export * from "./lib/ops/global_avg_pool2d.ts";
export * from "./lib/ops/history.ts";
export * from "./lib/ops/images.ts";
export * from "./lib/ops/inverse_sqrt.ts";
export * from "./lib/ops/l2_norm.ts";
export * from "./lib/ops/linear.ts";
export * from "./lib/ops/max_pool2d.ts";
export * from "./lib/ops/mean_squared_difference.ts";
export * from "./lib/ops/multiply.ts";
export { type Norm, normalise, NORMS } from "./lib/ops/normalise.ts";
export * from "./lib/ops/one_hot.ts";
export * from "./lib/ops/parse_map.ts";
export type { Pool2dOptions } from "./lib/ops/pooling.ts";
export * from "./lib/ops/relu.ts";
export * from "./lib/ops/reshape.ts";
export * from "./lib/ops/resize_map.ts";
export * from "./lib/ops/scale.ts";
export * from "./lib/ops/softmax.ts";
export * from "./lib/ops/subtract.ts";
export * from "./lib/ops/sum.ts";
export * from "./lib/ops/top_k.ts";
export * from "./lib/ops/transpose.ts";
export { type Term, weightedSum } from "./lib/ops/weighted_sum.ts";

// Many processes.
export { HalfExchange, type PieceExchange } from "./lib/mpi/half_exchange.ts";
export * from "./lib/mpi/library_paths.ts";
export * from "./lib/mpi/mpi_error.ts";
export * from "./lib/mpi/open_mpi.ts";
export {
  RANK_VARIABLES,
  type RankPlace,
  rankPlaceOf,
  type RankVariables,
} from "./lib/mpi/rank_place.ts";
export * from "./lib/mpi/solo_world.ts";
export type { World } from "./lib/mpi/world.ts";
export type { Meeting, Synchroniser } from "./lib/gpu/meeting.ts";
export type { ExchangeOptions, ExchangeTimes } from "./lib/train/exchange.ts";
export { RATE_SCALES, type RateScale } from "./lib/train/warm_up.ts";

// Other libraries on the same GPU.
export * from "./lib/interop/tfjs.ts";

// Losses, optimiser and models.
export * from "./lib/losses/activation_transfer.ts";
export * from "./lib/losses/attention_transfer.ts";
export * from "./lib/losses/distance.ts";
export * from "./lib/losses/gradient_terms.ts";
export * from "./lib/losses/image_gradient.ts";
export * from "./lib/losses/loss_term.ts";
export * from "./lib/losses/objective.ts";
export * from "./lib/losses/terms.ts";
export * from "./lib/losses/transfer_form.ts";
export * from "./lib/losses/transfer_terms.ts";
export * from "./lib/models/activations.ts";
export * from "./lib/models/affine_resnet.ts";
export * from "./lib/models/fine_tuning.ts";
export * from "./lib/models/folded_resnet.ts";
export * from "./lib/models/initialise.ts";
export * from "./lib/models/model.ts";
export * from "./lib/models/nin.ts";
export * from "./lib/models/nin_sizes.ts";
export * from "./lib/models/open_model.ts";
export * from "./lib/models/resnet.ts";
export * from "./lib/models/resnet_sizes.ts";
export * from "./lib/models/specs.ts";
export * from "./lib/models/wide_resnet.ts";
export * from "./lib/models/wide_resnet_sizes.ts";
export * from "./lib/optim/decay.ts";
export * from "./lib/optim/inspection.ts";
export * from "./lib/optim/loss_scale.ts";
export * from "./lib/optim/sgd.ts";
export * from "./lib/optim/step_schedule.ts";
export * from "./lib/random.ts";

// Weights.
export { type FileDType, type FileTensor, fileTensor } from "./lib/weights/file_tensor.ts";
export * from "./lib/weights/fold.ts";
export * from "./lib/weights/names.ts";
export * from "./lib/weights/parameter_set.ts";
export * from "./lib/weights/permute.ts";
export * from "./lib/weights/read_weights.ts";
export { renameWeights } from "./lib/weights/rename.ts";
export {
  floats,
  formatSafetensors,
  parseSafetensors,
  readSafetensors,
  type SafetensorsFile,
} from "./lib/weights/safetensors.ts";
export * from "./lib/weights/write_file.ts";
export * from "./lib/weights/write_weights.ts";

// Data and training.
export * from "./data/cifar.ts";
export * from "./data/cub.ts";
export * from "./data/download.ts";
export * from "./data/image_folder.ts";
export * from "./data/image_list.ts";
export * from "./data/loader/decode_pool.ts";
export * from "./data/loader/image_loader.ts";
export * from "./data/loader/messages.ts";
export * from "./data/loader/worker_pool.ts";
export * from "./data/open_images.ts";
export * from "./data/pack/read_pack.ts";
export * from "./data/pack/write_pack.ts";
export type { Box, TrainingCrop } from "./data/pictures/view.ts";
export * from "./data/scenes.ts";
export * from "./data/shapes.ts";
export * from "./lib/train/autotune.ts";
export * from "./lib/train/batch_source.ts";
export * from "./lib/train/batch_upload.ts";
export type { Batching, Share } from "./lib/train/batches.ts";
export * from "./lib/train/evaluate.ts";
export type { FedBatch, ImageFeed } from "./lib/train/feed.ts";
export * from "./lib/train/fit.ts";
export type { Landed, Submitted } from "./lib/train/flight.ts";
export * from "./lib/train/image_set.ts";
export * from "./lib/train/learned.ts";
export type { ProfileOptions } from "./lib/train/made_step.ts";
export { NonFiniteError, ON_NONFINITE, type OnNonfinite } from "./lib/train/non_finite.ts";
export * from "./lib/train/profile_step.ts";
export * from "./lib/train/resident_feed.ts";
export * from "./lib/train/step_work.ts";
export type { Scaling, StepResult } from "./lib/train/step_result.ts";
export type { StepOptions } from "./lib/train/step_options.ts";
export * from "./lib/train/streamed_feed.ts";
export * from "./lib/train/trainer.ts";
