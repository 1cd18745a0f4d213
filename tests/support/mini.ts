/** The folder of the fixture `cifar10-mini`: 500 training and 200 test images of CIFAR-10. */
export const MINI = new URL("../fixtures/cifar10-mini", import.meta.url).pathname;

/** The folder of what PyTorch computed over 20 training steps. */
export const TRAJECTORIES = new URL("../oracle/traj/", import.meta.url).pathname;
