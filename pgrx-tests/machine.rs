//! What the health check of the memory settings makes of machines that are not this one.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use advisor_sql::health;
    use pgrx::JsonB;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    use crate::health::Finding;
    use crate::health::machine::Machine;
    use crate::health::memory::judge_on;

    const GB: f64 = 1024.0 * 1024.0 * 1024.0;

    /// A folder with these files, instead of the root.
    struct Tree(PathBuf);

    impl Tree {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let root =
                std::env::temp_dir().join(format!("mcp-advisor-{name}-{}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(root)
        }

        fn machine(&self, device: u64) -> Option<Machine> {
            Machine::read_below(&self.0, Some(device), 4)
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn link(target: &Path, name: &Path) {
        fs::create_dir_all(name.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, name).unwrap();
    }

    const MEMINFO: (&str, &str) =
        ("proc/meminfo", "MemTotal:       16777216 kB\nMemFree:  100 kB\n");

    #[pg_test]
    fn machine_ram_is_the_lowest_limit_of_its_control_groups() {
        let tree = Tree::new(
            "v2",
            &[
                MEMINFO,
                ("proc/self/cgroup", "0::/a/b\n"),
                ("sys/fs/cgroup/a/memory.max", "2147483648\n"),
                ("sys/fs/cgroup/a/b/memory.max", "max\n"),
            ],
        );
        let machine = tree.machine(0).unwrap();
        assert_eq!((machine.ram, machine.limited), (2.0 * GB, true));
        assert_eq!(machine.rotational, None);

        // In a container the path may be that outside it.
        let tree = Tree::new(
            "container",
            &[
                MEMINFO,
                ("proc/self/cgroup", "0::/not/here\n"),
                ("sys/fs/cgroup/memory.max", "4294967296"),
            ],
        );
        assert_eq!(tree.machine(0).unwrap().ram, 4.0 * GB);

        let tree = Tree::new(
            "v1",
            &[
                MEMINFO,
                ("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/x\n0::/\n"),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712"),
                ("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "1073741824"),
            ],
        );
        assert_eq!(tree.machine(0).unwrap().ram, GB);

        // No limit, or one above what there is.
        let tree = Tree::new(
            "unlimited",
            &[
                MEMINFO,
                ("proc/self/cgroup", "0::/\n"),
                ("sys/fs/cgroup/memory.max", "9223372036854771712"),
            ],
        );
        let machine = tree.machine(0).unwrap();
        assert_eq!((machine.ram, machine.limited), (16.0 * GB, false));
    }

    #[pg_test]
    fn machine_without_proc_is_unknown() {
        assert_eq!(Tree::new("bare", &[("proc/other", "")]).machine(0), None);
    }

    #[pg_test]
    fn machine_disk_is_that_of_the_device_or_of_its_partition() {
        let tree = Tree::new(
            "disk",
            &[
                MEMINFO,
                ("sys/devices/sda/queue/rotational", "1\n"),
                ("sys/devices/sda/sda1/partition", "1\n"),
                ("sys/devices/nvme0n1/queue/rotational", "0\n"),
            ],
        );
        let devices = tree.0.join("sys/devices");
        link(&devices.join("sda/sda1"), &tree.0.join("sys/dev/block/8:1"));
        link(&devices.join("nvme0n1"), &tree.0.join("sys/dev/block/259:300"));
        assert_eq!(tree.machine(0x0801).unwrap().rotational, Some(true));
        // 259 and 300: the minor number is in two parts.
        assert_eq!(tree.machine(0x0011_032c).unwrap().rotational, Some(false));
        assert_eq!(tree.machine(0x0802).unwrap().rotational, None);
    }

    /// What is found with these settings besides sound ones, as `severity setting recommended`.
    fn judged(machine: Option<Machine>, changed: Value) -> Vec<String> {
        let mut settings = json!({
            "shared_buffers": 4.0 * GB, "effective_cache_size": 12.0 * GB,
            "work_mem": 16_777_216.0, "maintenance_work_mem": GB, "max_connections": 100.0,
            "random_page_cost": 1.1, "effective_io_concurrency": 200.0,
            "max_worker_processes": 8.0, "max_parallel_workers": 8.0,
            "max_parallel_workers_per_gather": 2.0,
        });
        settings.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        let limits = json!({
            "ram": 2.0, "buffers_least": 10.0, "buffers_most": 40.0, "factor": 4.0,
        });
        let check = health::checks().find(|check| check.name == "memory").unwrap();
        let mut findings = vec![Finding {
            check,
            severity: "info".to_owned(),
            object: None,
            value: None,
            unit: None,
            threshold: None,
            message: String::new(),
            remediation: None,
            details: JsonB(json!({
                "ran": false, "settings": settings, "limits": limits,
                "restart": ["shared_buffers", "max_worker_processes", "max_connections"],
            })),
        }];
        judge_on(&mut findings, machine);
        findings
            .into_iter()
            .map(|one| {
                let set = one.remediation.unwrap_or_default();
                let statement = set.trim_start_matches("ALTER SYSTEM SET ");
                let restart = one.details.0["restart_needed"] == true;
                assert_eq!(restart, one.details.0["risk"] == "restart", "{statement}");
                assert_eq!(statement.contains("reload"), !restart && !set.is_empty());
                let value = statement.split(';').next().unwrap_or_default();
                format!("{} {value}", one.severity)
            })
            .collect()
    }

    #[pg_test]
    fn machine_decides_what_suits_it() {
        let machine = Machine { ram: 16.0 * GB, limited: false, cores: 8, rotational: Some(false) };
        let found = |changed| judged(Some(machine), changed);
        assert_eq!(found(json!({})), ["ok "]);
        // The server's defaults: said, and no more than that.
        let defaults = json!({
            "shared_buffers": GB / 8.0, "effective_cache_size": 4.0 * GB,
            "work_mem": 4_194_304.0, "maintenance_work_mem": 67_108_864.0,
            "random_page_cost": 4.0, "effective_io_concurrency": 1.0,
        });
        assert_eq!(
            found(defaults),
            [
                "info shared_buffers = '4GB'",
                "info maintenance_work_mem = '1GB'",
                "info work_mem = '54MB'",
                "info random_page_cost = 1.1",
                "info effective_io_concurrency = 200",
            ]
        );
        assert_eq!(found(json!({"shared_buffers": 10.0 * GB})), ["info shared_buffers = '4GB'"]);
        // 4 GB and 100 times 320 MB are more than 32 GB.
        assert_eq!(found(json!({"work_mem": GB / 3.2})), ["warning work_mem = '40MB'"]);
        assert_eq!(found(json!({"work_mem": GB / 4.0})), ["ok "]);
        assert_eq!(
            found(json!({"effective_cache_size": 20.0 * GB, "max_connections": 10_000.0,
                "maintenance_work_mem": 5.0 * GB})),
            [
                "info effective_cache_size = '12GB'",
                "info maintenance_work_mem = '1GB'",
                "warning work_mem = '384kB'",
            ]
        );
        let many = Machine { cores: 64, rotational: Some(true), ..machine };
        assert_eq!(
            judged(Some(many), json!({"random_page_cost": 4.0, "effective_io_concurrency": 1.0})),
            ["info max_worker_processes = 64", "info max_parallel_workers = 64"]
        );
        let one = Machine { cores: 1, ..machine };
        assert_eq!(
            judged(Some(one), json!({"max_parallel_workers_per_gather": 8.0})),
            ["info max_parallel_workers_per_gather = 1"]
        );
        assert_eq!(judged(None, json!({})), ["info "]);
    }
}
