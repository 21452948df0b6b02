// A libnvrtc.so.13 that compiles for the CPU: g++ with the emulator in front. Beside each kernel it puts the function that the fake
// driver calls. What was compiled lies beside this library, under a hash of source and options, and is not compiled again.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <mutex>
#include <regex>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#define API extern "C" __attribute__((visibility("default"))) int

namespace {

enum { OK = 0, INVALID_INPUT = 3, COMPILATION = 6 };

struct Program {
    std::string source, image, log;
};

std::mutex lock;

std::string folder() {
    Dl_info info;
    std::string path = dladdr((void*)&folder, &info) ? info.dli_fname : "./libnvrtc.so.13";
    size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string read(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

uint64_t hash(const std::string& text) {
    uint64_t h = 0xCBF29CE484222325;
    for (unsigned char c : text) h = (h ^ c) * 0x100000001B3;
    return h;
}

} // namespace

API nvrtcVersion(int* major, int* minor) { *major = 13; *minor = 0; return OK; }
extern "C" __attribute__((visibility("default"))) const char* nvrtcGetErrorString(int code) {
    return code == OK ? "NVRTC_SUCCESS" : code == COMPILATION ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR_INVALID_INPUT";
}
API nvrtcCreateProgram(Program** program, const char* source, const char*, int n_headers, const char* const*, const char* const*) {
    if (n_headers) return INVALID_INPUT;
    *program = new Program{source, "", ""};
    return OK;
}
API nvrtcDestroyProgram(Program** program) {
    delete *program;
    *program = nullptr;
    return OK;
}
API nvrtcCompileProgram(Program* program, int n_options, const char* const* options) {
    std::lock_guard<std::mutex> guard(lock);
    const std::string here = folder(), kernels = here + "/kernels";
    std::string flags;
    for (int i = 0; i < n_options; i++) {
        std::string option = options[i];
        if (option.rfind("-D", 0) == 0) flags += " '" + option + "'";
        if (option.rfind("--define-macro=", 0) == 0) flags += " '-D" + option.substr(15) + "'";
    }
    if (program->source.find("#include") != std::string::npos) {
        program->log = "fake NVRTC: a source includes a header; a machine with nothing but NVRTC may not have it";
        return COMPILATION;
    }
    std::string text = "#include \"" + here + "/emulator.h\"\n" + program->source + "\n";
    const std::regex kernel("(?:extern\\s+\"C\"\\s+__global__\\s+void|KERNEL)\\s+(?:__launch_bounds__\\s*\\([^)]*\\)\\s*)?(\\w+)\\s*\\(");
    for (std::sregex_iterator i(program->source.begin(), program->source.end(), kernel), end; i != end; ++i) {
        const std::string name = (*i)[1];
        text += "extern \"C\" int " + name + "__call(const emulator::Launch* l) { return emulator::launch(*l, [l] { emulator::apply(&" + name + ", l->arguments); }); }\n";
    }
    char key[32];
    snprintf(key, sizeof key, "%016llx", (unsigned long long)hash(text + flags + read(here + "/emulator.h")));
    const std::string stem = kernels + "/" + key, object = stem + ".so";
    if (access(object.c_str(), R_OK)) {
        mkdir(kernels.c_str(), 0777);
        const std::string own = stem + "." + std::to_string(getpid());
        std::ofstream(own + ".cpp") << text;
        const char* compiler = getenv("CXX");
        const std::string command = std::string(compiler ? compiler : "g++") + " -std=c++17 -O1 -w -fPIC -shared -ffp-contract=off -U_FORTIFY_SOURCE -fno-strict-aliasing" + flags + " -o '" + own + ".so' '" + own + ".cpp' 2> '" + own + ".log'";
        const int status = system(command.c_str());
        program->log = read(own + ".log");
        unlink((own + ".log").c_str());
        if (status) {
            program->log += "\nfake NVRTC: " + own + ".cpp";
            return COMPILATION;
        }
        unlink((own + ".cpp").c_str());
        // By one rename, as another process may be at the same.
        rename((own + ".so").c_str(), object.c_str());
    }
    program->image = "// emulated kernels\n" + object + "\n";
    return OK;
}
API nvrtcGetProgramLogSize(Program* program, size_t* n) { *n = program->log.size() + 1; return OK; }
API nvrtcGetProgramLog(Program* program, char* to) { memcpy(to, program->log.c_str(), program->log.size() + 1); return OK; }
API nvrtcGetPTXSize(Program* program, size_t* n) { *n = program->image.size() + 1; return OK; }
API nvrtcGetPTX(Program* program, char* to) { memcpy(to, program->image.c_str(), program->image.size() + 1); return OK; }
API nvrtcGetCUBINSize(Program* program, size_t* n) { return nvrtcGetPTXSize(program, n); }
API nvrtcGetCUBIN(Program* program, char* to) { return nvrtcGetPTX(program, to); }
API nvrtcGetNumSupportedArchs(int* n) { *n = 1; return OK; }
API nvrtcGetSupportedArchs(int* archs) { archs[0] = 90; return OK; }
