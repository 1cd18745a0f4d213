// A Vulkan layer that lets a software adapter pose as a discrete card, and fail as one may. It lies between the loader and
// the driver, so that a whole process, Deno with it, sees the card. What it does is read from environment variables; one
// that is not set changes nothing.
//
//   POSE_NAME               the card's name; only with it is the adapter a discrete card
//   POSE_VENDOR             its vendor, such as 0x10de
//   POSE_STORAGE_RANGE      the most bytes of a storage buffer that are bound
//   POSE_BUFFER             the most bytes of an allocation, and so of a buffer
//   POSE_WORKGROUP_MEMORY   the bytes of memory that a workgroup has
//   POSE_SUBGROUP           the size that subgroups are said to have; the driver's own stays what it is
//   POSE_MEMORY             the bytes of its memory: an allocation beyond them is refused
//   POSE_LOST_AT_SUBMIT     the device is lost at this submit of the process, counted from 1; a device made later works
//   POSE_LOST_AT_WAIT       the same at this wait for the device
//   POSE_IDLE               nothing is dispatched: the driver compiles no kernel, and what it would write stays zero
//   POSE_MODULES            a folder: each SPIR-V module is written there as HASH.spv, HASH the 64-bit FNV-1a of its bytes
//                           in 16 hexadecimal digits, and its HASH appended to PID.modules, a line for each module made
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

// The functions that are the layer's own beside those that look functions up.
#define INSTANCE_FUNCTIONS(X) \
  X(CreateDevice) \
  X(GetPhysicalDeviceProperties) \
  X(GetPhysicalDeviceProperties2)
#define DEVICE_FUNCTIONS(X) \
  X(AllocateMemory) \
  X(FreeMemory) \
  X(QueueSubmit) \
  X(WaitSemaphores) \
  X(CmdDispatch) \
  X(CreateShaderModule)

// An instance or a device, and the functions beneath the layer. A handle begins with the loader's key, which an instance
// shares with its physical devices, and a device with its queues.
typedef struct Object {
  struct Object *older;
  void *key;
  PFN_vkGetInstanceProcAddr get_of_instance;
  PFN_vkGetDeviceProcAddr get_of_device;
#define POINTER(name) PFN_vk##name name;
  INSTANCE_FUNCTIONS(POINTER)
  DEVICE_FUNCTIONS(POINTER)
  bool is_lost;
} Object;

typedef struct Allocation {
  struct Allocation *older;
  VkDevice device;
  VkDeviceMemory memory;
  VkDeviceSize bytes;
} Allocation;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Object *objects;
static Allocation *allocations;
static uint64_t submits, waits;

// Lists an object. It stays listed when it is destroyed: one made later is found before it, even with its key.
static void list(void *handle, Object object) {
  Object *made = malloc(sizeof *made);
  pthread_mutex_lock(&lock);
  *made = object;
  made->older = objects;
  made->key = *(void **)handle;
  objects = made;
  pthread_mutex_unlock(&lock);
}

static Object *find(void *handle) {
  pthread_mutex_lock(&lock);
  Object *found = objects;
  while (found->key != *(void **)handle) found = found->older;
  pthread_mutex_unlock(&lock);
  return found;
}

// What a variable says; `otherwise` where it is not set.
static uint64_t setting(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text ? strtoull(text, NULL, 0) : otherwise;
}

static void pose(VkPhysicalDeviceProperties *properties) {
  const char *name = getenv("POSE_NAME");
  if (name) {
    properties->deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    snprintf(properties->deviceName, sizeof properties->deviceName, "%s", name);
  }
  VkPhysicalDeviceLimits *limits = &properties->limits;
  properties->vendorID = setting("POSE_VENDOR", properties->vendorID);
  limits->maxStorageBufferRange = setting("POSE_STORAGE_RANGE", limits->maxStorageBufferRange);
  limits->maxComputeSharedMemorySize =
      setting("POSE_WORKGROUP_MEMORY", limits->maxComputeSharedMemorySize);
}

static VKAPI_ATTR void VKAPI_CALL
pose_GetPhysicalDeviceProperties(VkPhysicalDevice card, VkPhysicalDeviceProperties *properties) {
  find(card)->GetPhysicalDeviceProperties(card, properties);
  pose(properties);
}

static VKAPI_ATTR void VKAPI_CALL
pose_GetPhysicalDeviceProperties2(VkPhysicalDevice card, VkPhysicalDeviceProperties2 *properties) {
  find(card)->GetPhysicalDeviceProperties2(card, properties);
  pose(&properties->properties);
  for (VkBaseOutStructure *more = properties->pNext; more; more = more->pNext) {
    if (more->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES) {
      VkPhysicalDeviceMaintenance3Properties *one = (void *)more;
      one->maxMemoryAllocationSize = setting("POSE_BUFFER", one->maxMemoryAllocationSize);
    }
    if (more->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES) {
      VkPhysicalDeviceSubgroupSizeControlProperties *sizes = (void *)more;
      sizes->minSubgroupSize = setting("POSE_SUBGROUP", sizes->minSubgroupSize);
      sizes->maxSubgroupSize = setting("POSE_SUBGROUP", sizes->maxSubgroupSize);
    }
  }
}

static VKAPI_ATTR VkResult VKAPI_CALL pose_AllocateMemory(
    VkDevice device, const VkMemoryAllocateInfo *info, const VkAllocationCallbacks *callbacks,
    VkDeviceMemory *memory) {
  Object *next = find(device);
  pthread_mutex_lock(&lock);
  uint64_t taken = 0;
  for (Allocation *one = allocations; one; one = one->older) taken += one->bytes;
  VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  if (taken + info->allocationSize <= setting("POSE_MEMORY", UINT64_MAX)) {
    result = next->AllocateMemory(device, info, callbacks, memory);
  }
  if (result == VK_SUCCESS) {
    Allocation *made = malloc(sizeof *made);
    *made = (Allocation){allocations, device, *memory, info->allocationSize};
    allocations = made;
  }
  pthread_mutex_unlock(&lock);
  return result;
}

static VKAPI_ATTR void VKAPI_CALL
pose_FreeMemory(VkDevice device, VkDeviceMemory memory, const VkAllocationCallbacks *callbacks) {
  pthread_mutex_lock(&lock);
  Allocation **at = &allocations;
  while (*at && ((*at)->device != device || (*at)->memory != memory)) at = &(*at)->older;
  if (*at) {
    Allocation *gone = *at;
    *at = gone->older;
    free(gone);
  }
  pthread_mutex_unlock(&lock);
  find(device)->FreeMemory(device, memory, callbacks);
}

// Counts a submit or a wait, and says whether the device is lost: at the one of this number, and ever after.
static bool is_lost(Object *device, uint64_t *count, const char *variable) {
  pthread_mutex_lock(&lock);
  if (++*count == setting(variable, 0)) device->is_lost = true;
  bool lost = device->is_lost;
  pthread_mutex_unlock(&lock);
  return lost;
}

static VKAPI_ATTR VkResult VKAPI_CALL
pose_QueueSubmit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos, VkFence fence) {
  Object *next = find(queue);
  if (is_lost(next, &submits, "POSE_LOST_AT_SUBMIT")) return VK_ERROR_DEVICE_LOST;
  return next->QueueSubmit(queue, count, infos, fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL
pose_WaitSemaphores(VkDevice device, const VkSemaphoreWaitInfo *info, uint64_t timeout) {
  Object *next = find(device);
  if (is_lost(next, &waits, "POSE_LOST_AT_WAIT")) return VK_ERROR_DEVICE_LOST;
  return next->WaitSemaphores(device, info, timeout);
}

static VKAPI_ATTR void VKAPI_CALL
pose_CmdDispatch(VkCommandBuffer commands, uint32_t x, uint32_t y, uint32_t z) {
  if (!getenv("POSE_IDLE")) find(commands)->CmdDispatch(commands, x, y, z);
}

// Writes a module into a folder, and its name into the list of this process.
static void keep_module(const char *folder, const VkShaderModuleCreateInfo *info) {
  uint64_t hash = 0xcbf29ce484222325;
  const unsigned char *bytes = (const void *)info->pCode;
  for (size_t at = 0; at < info->codeSize; at++) hash = (hash ^ bytes[at]) * 0x100000001b3;
  char path[4096];
  snprintf(path, sizeof path, "%s/%016llx.spv", folder, (unsigned long long)hash);
  FILE *module = fopen(path, "wb");
  bool is_kept = module && fwrite(bytes, 1, info->codeSize, module) == info->codeSize;
  if (module) fclose(module);
  snprintf(path, sizeof path, "%s/%d.modules", folder, (int)getpid());
  FILE *list = fopen(path, "a");
  if (list) {
    fprintf(list, "%016llx\n", (unsigned long long)hash);
    fclose(list);
  }
  if (!is_kept || !list) {
    fprintf(stderr, "Cannot keep a module in %s: wanted a folder to write to\n", folder);
    exit(1);
  }
}

static VKAPI_ATTR VkResult VKAPI_CALL pose_CreateShaderModule(
    VkDevice device, const VkShaderModuleCreateInfo *info, const VkAllocationCallbacks *callbacks,
    VkShaderModule *module) {
  const char *folder = getenv("POSE_MODULES");
  pthread_mutex_lock(&lock);
  if (folder) keep_module(folder, info);
  pthread_mutex_unlock(&lock);
  return find(device)->CreateShaderModule(device, info, callbacks, module);
}

// What the loader passes down: the functions of the next layer, and behind them those of the one after it.
#define LINK(create_info, link) \
  while ((link)->sType != (create_info) || (link)->function != VK_LAYER_LINK_INFO) { \
    (link) = (void *)(link)->pNext; \
  }

static VKAPI_ATTR VkResult VKAPI_CALL pose_CreateDevice(
    VkPhysicalDevice card, const VkDeviceCreateInfo *info, const VkAllocationCallbacks *callbacks,
    VkDevice *device) {
  VkLayerDeviceCreateInfo *link = (void *)info->pNext;
  LINK(VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO, link);
  PFN_vkGetDeviceProcAddr get = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  VkResult result = find(card)->CreateDevice(card, info, callbacks, device);
  if (result != VK_SUCCESS) return result;
  Object made = {.get_of_device = get};
#define FROM_DEVICE(name) made.name = (PFN_vk##name)get(*device, "vk" #name);
  DEVICE_FUNCTIONS(FROM_DEVICE)
  list(*device, made);
  return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL pose_CreateInstance(
    const VkInstanceCreateInfo *info, const VkAllocationCallbacks *callbacks,
    VkInstance *instance) {
  VkLayerInstanceCreateInfo *link = (void *)info->pNext;
  LINK(VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO, link);
  PFN_vkGetInstanceProcAddr get = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  PFN_vkCreateInstance create = (PFN_vkCreateInstance)get(NULL, "vkCreateInstance");
  VkResult result = create(info, callbacks, instance);
  if (result != VK_SUCCESS) return result;
  Object made = {.get_of_instance = get};
#define FROM_INSTANCE(name) made.name = (PFN_vk##name)get(*instance, "vk" #name);
  INSTANCE_FUNCTIONS(FROM_INSTANCE)
  list(*instance, made);
  return result;
}

#define GIVE(asked, function) \
  if (strcmp(name, asked) == 0) return (PFN_vkVoidFunction)pose_##function;
#define OWN(function) GIVE("vk" #function, function)

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
pose_GetDeviceProcAddr(VkDevice device, const char *name) {
  OWN(GetDeviceProcAddr)
  DEVICE_FUNCTIONS(OWN)
  return find(device)->get_of_device(device, name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
pose_GetInstanceProcAddr(VkInstance instance, const char *name) {
  OWN(GetInstanceProcAddr)
  OWN(GetDeviceProcAddr)
  OWN(CreateInstance)
  INSTANCE_FUNCTIONS(OWN)
  GIVE("vkGetPhysicalDeviceProperties2KHR", GetPhysicalDeviceProperties2)
  return instance ? find(instance)->get_of_instance(instance, name) : NULL;
}

VK_LAYER_EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *interface) {
  interface->loaderLayerInterfaceVersion = CURRENT_LOADER_LAYER_INTERFACE_VERSION;
  interface->pfnGetInstanceProcAddr = pose_GetInstanceProcAddr;
  interface->pfnGetDeviceProcAddr = pose_GetDeviceProcAddr;
  interface->pfnGetPhysicalDeviceProcAddr = NULL;
  return VK_SUCCESS;
}
