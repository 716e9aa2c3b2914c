/* What C programs do all day, through wasi-libc: stdio, directories, links, times, and their errno. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static int failed(int result) { return result < 0 ? errno : 0; }

static void stdio(void) {
    FILE *file = fopen("/notes", "w");
    CHECK("open", file != NULL, 1);
    CHECK("print", fprintf(file, "%s %d\n", "line", 1), 7);
    CHECK("close", fclose(file), 0);
    file = fopen("/notes", "a+");
    CHECK("append", fputs("line 2\n", file) >= 0, 1);
    rewind(file);
    char line[20];
    CHECK("read", fgets(line, sizeof line, file) != NULL, 1);
    CHECK("first", strcmp(line, "line 1\n"), 0);
    CHECK("place", ftell(file), 7);
    CHECK("close again", fclose(file), 0);
    file = fopen("/notes", "r+");
    CHECK("seek", fseek(file, -7, SEEK_END), 0);
    CHECK("over", fputs("LINE", file) >= 0, 1);
    fclose(file);
    file = fopen("/notes", "r");
    CHECK("all", fread(line, 1, sizeof line, file), 14);
    CHECK("changed", memcmp(line, "line 1\nLINE 2\n", 14), 0);
    CHECK("end", feof(file) != 0, 1);
    CHECK("write what is read only", fputs("x", file) == EOF, 1);
    fclose(file);
    CHECK("no such file", fopen("/none/x", "r") == NULL ? errno : 0, ENOENT);
}

static void paths(void) {
    struct stat stat_;
    CHECK("mkdir", mkdir("/dir", 0777), 0);
    CHECK("mkdir again", failed(mkdir("/dir", 0777)), EEXIST);
    CHECK("rename", rename("/notes", "/dir/notes"), 0);
    CHECK("stat", stat("/dir/notes", &stat_), 0);
    CHECK("size", stat_.st_size, 14);
    CHECK("symlink", symlink("notes", "/dir/link"), 0);
    CHECK("lstat", lstat("/dir/link", &stat_), 0);
    CHECK("is a link", S_ISLNK(stat_.st_mode), 1);
    CHECK("stat follows", stat("/dir/link", &stat_) || !S_ISREG(stat_.st_mode), 0);
    CHECK("hard link", link("/dir/notes", "/second"), 0);
    CHECK("rmdir full", failed(rmdir("/dir")), ENOTEMPTY);
    CHECK("access", access("/second", R_OK), 0);
    CHECK("no access", failed(access("/third", R_OK)), ENOENT);
    CHECK("truncate", truncate("/second", 4), 0);
    CHECK("both names", stat("/dir/notes", &stat_) || stat_.st_size != 4, 0);
    CHECK("change directory", chdir("/dir"), 0);
    CHECK("relative", access("notes", R_OK), 0);
    CHECK("back", chdir("/"), 0);
    struct timespec times[2] = {{1, 500}, {2, 600}};
    CHECK("times", utimensat(AT_FDCWD, "/second", times, 0), 0);
    CHECK("set", stat("/second", &stat_) || stat_.st_mtim.tv_sec != 2 || stat_.st_mtim.tv_nsec != 600, 0);
}

static void listing(void) {
    DIR *dir = opendir("/dir");
    int files = 0, links = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        files += entry->d_type == DT_REG;
        links += entry->d_type == DT_LNK;
    }
    CHECK("files and links", files * 10 + links, 11);
    rewinddir(dir);
    CHECK("again", readdir(dir) != NULL, 1);
    CHECK("close", closedir(dir), 0);
    CHECK("not a directory", opendir("/second") == NULL ? errno : 0, ENOTDIR);
}

static void descriptors(void) {
    int fd = open("/raw", O_RDWR | O_CREAT | O_EXCL, 0666);
    CHECK("open", fd > 2, 1);
    CHECK("exclusive", failed(open("/raw", O_RDWR | O_CREAT | O_EXCL, 0666)), EEXIST);
    CHECK("pwrite", pwrite(fd, "abc", 3, 5), 3);
    CHECK("length", lseek(fd, 0, SEEK_END), 8);
    CHECK("ftruncate", ftruncate(fd, 6), 0);
    CHECK("pread", pread(fd, buffer, 10, 4), 2);
    CHECK("fsync", fsync(fd), 0);
    CHECK("flags", fcntl(fd, F_GETFL) & (O_APPEND | O_RDWR), O_RDWR);
    CHECK("append", fcntl(fd, F_SETFL, O_APPEND), 0);
    CHECK("it is set", fcntl(fd, F_GETFL) & O_APPEND, O_APPEND);
    CHECK("rewind", lseek(fd, 0, SEEK_SET), 0);
    CHECK("write", write(fd, "z", 1), 1);
    CHECK("behind", lseek(fd, 0, SEEK_CUR), 7);
    DIFFERS("reserve", posix_fallocate(fd, 0, 100), 0, ENOTSUP);
    CHECK("no terminal", isatty(fd), 0);
    CHECK("close", close(fd), 0);
    CHECK("closed", failed(close(fd)), EBADF);
    CHECK("write only", failed(read(open("/raw", O_WRONLY), buffer, 1)), EBADF);
    CHECK("read only", failed(write(open("/raw", O_RDONLY), "x", 1)), EBADF);
    CHECK("write a directory", failed(open("/dir", O_RDWR)), EISDIR);
    CHECK("no following", failed(open("/dir/link", O_RDONLY | O_NOFOLLOW)), ELOOP);
    CHECK("unlink", unlink("/raw"), 0);
}

int main(void) {
    stdio();
    paths();
    listing();
    descriptors();
    return 0;
}
