/* Preloaded into Debian's own `xl`, so that `xl create -n` runs where there is no Xen: it answers the few questions
 * that libxl asks hypervisor and xenstore before it parses a config. The parser itself is the real one. */

#include <errno.h>
#include <string.h>
#include <xenctrl.h>
#include <xenstore.h>

enum { CPUS = 8 };

static int handle;

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild, unsigned flags)
{
    return (xc_interface *)&handle;
}

int xc_interface_close(xc_interface *xch)
{
    return 0;
}

struct xs_handle *xs_open(unsigned long flags)
{
    return (struct xs_handle *)&handle;
}

void xs_close(struct xs_handle *xs)
{
}

int xc_get_max_cpus(xc_interface *xch)
{
    return CPUS;
}

int xc_get_online_cpus(xc_interface *xch)
{
    return CPUS;
}

int xc_get_max_nodes(xc_interface *xch)
{
    return 1;
}

long xc_sharing_freed_pages(xc_interface *xch)
{
    return 0;
}

long xc_sharing_used_frames(xc_interface *xch)
{
    return 0;
}

int xc_cputopoinfo(xc_interface *xch, unsigned *max_cpus, xc_cputopo_t *cputopo)
{
    unsigned cpu;

    for (cpu = 0; cputopo && cpu < CPUS && cpu < *max_cpus; cpu++)
        cputopo[cpu] = (xc_cputopo_t){ .core = cpu };
    *max_cpus = CPUS;
    return 0;
}

int xc_physinfo(xc_interface *xch, xc_physinfo_t *info)
{
    memset(info, 0, sizeof(*info));
    info->nr_cpus = info->cores_per_socket = CPUS;
    info->max_cpu_id = CPUS - 1;
    info->threads_per_core = info->nr_nodes = 1;
    info->total_pages = info->free_pages = info->max_mfn = 16UL << 18;
    info->capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_directio |
                         XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_shadow;
    return 0;
}

int xc_version(xc_interface *xch, int command, void *answer)
{
    switch (command) {
    case XENVER_version:
        return 4 << 16 | 17;
    case XENVER_pagesize:
        return 4096;
    case XENVER_extraversion:
    case XENVER_changeset:
    case XENVER_commandline:
        *(char *)answer = '\0';
        return 0;
    case XENVER_capabilities:
        strcpy(answer, "xen-3.0-x86_64 hvm-3.0-x86_64");
        return 0;
    case XENVER_compile_info:
        memset(answer, 0, sizeof(xen_compile_info_t));
        return 0;
    case XENVER_platform_parameters:
        memset(answer, 0, sizeof(xen_platform_parameters_t));
        return 0;
    case XENVER_build_id:
        return 0;
    }
    errno = ENOSYS;
    return -1;
}
